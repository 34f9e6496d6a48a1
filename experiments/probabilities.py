"""What probabilities of spans are worth: thresholds, calibration and operating points, on dev and
test.

    python experiments/probabilities.py data/conll2003 runs/accuracy/conll2003-all-vectors/1 ...
    python experiments/probabilities.py --ensemble data/conll2003 RUN RUN RUN

For each run (or, with --ensemble, for the average of all), in float32 and with the model's document
consistency: F1 of the best tag sequence and of thresholds that dev chose; the expected calibration
error and the Brier score on the half of dev that was not used for fitting, both halves in turn; and
what targets chosen on dev reach on test. Nothing is chosen on test.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tagger.errors import TaggerError
from tagger.evaluation.calibration import calibration
from tagger.inference import predictor
from tagger.inference.decoder import Decoder
from tagger.inference.operating_points import BEST_SEQUENCE, GRID, counts_at, thresholds_of
from tagger.inference.predictor import Predictor
from tagger.span_decoding import Spans, best_set
from tagger.text import annotation
from tagger.text.spans import Sentence
from tagger.training.export import calibration as fitting
from tagger.training.export.calibration import Lattice

Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], Callable[[np.ndarray, np.ndarray], np.ndarray]]
"""From probabilities, correctness and labels to a function from probabilities and labels."""


class Part:
    """Annotated sentences with their scores."""

    def __init__(self, model: Predictor, path: Path) -> None:
        data = model.bundle.config.data
        gold = annotation.read(str(path), data.reading, data.scheme).sentences
        self.sentences, self.batches = fitting.lattices(model.emissions(gold))
        self.counts = Counter(span.label for one in gold for span in one.spans or ())

    def spans(self, decoder: Decoder) -> tuple[Spans, np.ndarray]:
        """All spans, and whether each is correct."""
        spans = fitting.all_spans(self.batches, decoder)
        return spans, fitting.annotated_in(spans, self.sentences, decoder)

    @property
    def gold(self) -> int:
        return sum(self.counts.values())

    def best_sequence(self, decoder: Decoder) -> float:
        return fitting._best_sequence_f1(self.batches, decoder, self.sentences)

    def f1(self, spans: Spans, correct: np.ndarray, thresholds: Sequence[float]) -> float:
        chosen = best_set(spans, thresholds)
        return 200 * correct[chosen].sum() / (len(chosen) + self.gold)

    def half(self, which: int) -> tuple[list[Sentence], list[Lattice], np.ndarray]:
        """Every second block of sentences, their batches, and the mask of all sentences."""
        blocks = np.arange(len(self.sentences)) * 20 // len(self.sentences)
        mask = blocks % 2 == which
        batches = []
        for indices, lengths, emissions in self.batches:
            rows = mask[indices]
            batches.append(Lattice(indices[rows], lengths[rows], emissions[rows]))
        return self.sentences, [each for each in batches if len(each.indices)], mask


def per_label(spans: Spans, correct: np.ndarray, counts: Counter, labels: Sequence[str]) -> list:
    """The threshold of each label that maximizes its own F1, smoothed."""
    found = []
    for place, label in enumerate(labels):
        scores = []
        for threshold in fitting.THRESHOLDS:
            chosen = (spans.label == place) & (spans.probability >= threshold)
            total = chosen.sum() + counts[label]
            scores.append(2 * correct[chosen].sum() / max(total, 1))
        best = np.argmax(fitting.smoothed(np.array(scores)))
        found.append(float(fitting.THRESHOLDS[best]))
    return found


def logit(p: np.ndarray) -> np.ndarray:
    clipped = np.clip(p, 1e-9, 1 - 1e-9)
    return np.log(clipped) - np.log1p(-clipped)


def temperature_of(p: np.ndarray, right: np.ndarray) -> float:
    """The temperature of the log-odds that minimizes the log-loss, by search."""
    grid = np.exp(np.linspace(-1.2, 1.2, 97))
    z = logit(p)

    def loss(t: float) -> float:
        return float(np.logaddexp(0, np.where(right, -z, z) / t).sum())

    return float(min(grid, key=loss))


def by_label(p: np.ndarray, right: np.ndarray, labels: np.ndarray):
    """One temperature of the log-odds per label."""
    each = {
        label: temperature_of(p[labels == label], right[labels == label]) for label in set(labels)
    }
    return lambda q, names: 1 / (1 + np.exp(-logit(q) / np.array([each.get(n, 1) for n in names])))


def isotonic(p: np.ndarray, right: np.ndarray, labels: np.ndarray):
    """Isotonic regression of correctness on probability (pool adjacent violators)."""
    order = np.argsort(p, kind="stable")
    blocks: list[list[float]] = []  # mean, size
    for value in right[order].astype(float):
        blocks.append([value, 1.0])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            mean, size = blocks.pop()
            other = blocks[-1]
            other[0] = (other[0] * other[1] + mean * size) / (other[1] + size)
            other[1] += size
    values = np.repeat([b[0] for b in blocks], [int(b[1]) for b in blocks])
    return lambda q, names: np.interp(q, p[order], values)


def calibrations(dev: Part, decoder: Decoder) -> dict[str, tuple[float, float]]:
    """ECE and Brier score on the half of dev that was not used, the mean of both halves."""
    found: dict[str, list[tuple[float, float]]] = {}
    for which in (0, 1):
        sentences, batches, mask = dev.half(which)
        temperature = fitting.fit_temperature(sentences, batches, decoder)
        for name, at in (("none", 1.0), ("temperature", temperature)):
            spans, correct = dev.spans(decoder.at(at))
            mine = mask[spans.sentence]
            gold = sum(
                len(s.spans or ()) for s, used in zip(sentences, mask, strict=True) if not used
            )
            p, right, labels = spans.probability, correct, spans.label
            methods: dict[str, Fit | None] = {name: None}
            if name == "temperature":
                methods |= {
                    "temperature, then one per label": by_label,
                    "temperature, then isotonic": isotonic,
                }
            else:
                methods["isotonic alone"] = isotonic
            for method, fit in methods.items():
                q = (
                    p[~mine]
                    if fit is None
                    else fit(p[mine], right[mine], labels[mine])(p[~mine], labels[~mine])
                )
                result = calibration(q, right[~mine], gold)
                found.setdefault(method, []).append((result.ece, result.brier))
    return {name: tuple(np.mean(rows, axis=0)) for name, rows in found.items()}


def report(model: Predictor, folder: Path, name: str) -> None:
    dev, test = Part(model, folder / "dev.conll"), Part(model, folder / "test.conll")
    raw = model.decoder.at(1.0)
    temperature = fitting.fit_temperature(dev.sentences, dev.batches, raw)
    decoder = raw.at(temperature)
    (spans, correct), (others, right) = dev.spans(decoder), test.spans(decoder)
    labels = decoder.labels
    threshold, crossed = fitting.choose_threshold(spans, correct, dev.sentences, len(labels))
    print(f"\n{name}: temperature {temperature:.3f}")
    print("| rule | dev F1 | test F1 |\n|---|---:|---:|")
    print(
        f"| best sequence | {dev.best_sequence(decoder):.2f} | {test.best_sequence(decoder):.2f} |"
    )
    same = [threshold] * len(labels)
    print(
        f"| threshold {threshold:.2f} | {dev.f1(spans, correct, same):.2f} (cross-validated "
        f"{crossed:.2f}) | {test.f1(others, right, same):.2f} |"
    )
    each = per_label(spans, correct, dev.counts, labels)
    scores = dev.f1(spans, correct, each), test.f1(others, right, each)
    print(f"| one per label | {scores[0]:.2f} | {scores[1]:.2f} |")
    print("\n| calibration, other half of dev | ECE | Brier |\n|---|---:|---:|")
    for method, (ece, brier) in calibrations(dev, raw).items():
        print(f"| {method} | {ece:.4f} | {brier:.4f} |")
    for title, one in (("none", raw), ("temperature", decoder)):
        found, ok = test.spans(one)
        result = calibration(found.probability, ok, test.gold)
        print(f"| {title}, on test | {result.ece:.4f} | {result.brier:.4f} |")
    table = {"operating_points": counts_at(spans, correct, labels, dev.counts)}
    on_test = counts_at(others, right, labels, test.counts)["counts"][""]
    print("\n| target | threshold | dev | test |\n|---|---:|---:|---:|")
    for target in ("recall=0.9", "recall=0.95", "recall=0.99", "precision=0.95", "precision=0.98"):
        try:
            found = thresholds_of(table, labels, 0.5, None, target)
        except TaggerError as error:
            print(f"| {target} | | {error} | |")
            continue
        place, measure = GRID.index(found.other), target.partition("=")[0]
        values = []
        for counts in (table["operating_points"]["counts"][""], on_test):
            whole = counts["gold"] if measure == "recall" else counts["predicted"][place]
            values.append(counts["correct"][place] / max(whole, 1))
        print(f"| {target} | {found.other:g} | {values[0]:.4f} | {values[1]:.4f} |")
    hidden = [
        fitting.hidden_at(one, part.sentences) for one, part in ((spans, dev), (others, test))
    ]
    for wanted in (0.99, 0.995):
        shares = [np.array(one["hidden"]) / max(one["spans"], 1) for one in hidden]
        places = np.flatnonzero(shares[0] >= wanted)
        place = places[-1] if len(places) else 0
        needless = [1 - one["right"][place] / max(one["tokens"][place], 1) for one in hidden]
        print(
            f"| hidden {wanted} | {GRID[place]:g} | {shares[0][place]:.4f}, needless "
            f"{needless[0]:.3f} | {shares[1][place]:.4f}, needless {needless[1]:.3f} |"
        )


def speeds(model: Predictor, path: Path) -> None:
    """Tokens per second of each rule, median of five rounds, all rules in every round."""
    data = model.bundle.config.data
    sentences = list(annotation.read(str(path), data.reading, data.scheme).sentences)
    tokens, times = sum(map(len, sentences)), {}
    for _ in range(6):
        for name, options in (
            ("best sequence", {"decode": BEST_SEQUENCE, "scores": False}),
            ("best sequence, probabilities", {"decode": BEST_SEQUENCE}),
            ("threshold 0.5", {"min_score": 0.5}),
        ):
            started = time.perf_counter()
            for _ in model.predict(sentences, **options):
                pass
            times.setdefault(name, []).append(time.perf_counter() - started)
    print("\n| rule | tokens per second |\n|---|---:|")
    for name, seconds in times.items():
        print(f"| {name} | {tokens / np.median(seconds[1:]):,.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ensemble", action="store_true", help="average the runs")
    parser.add_argument("--speed", action="store_true", help="measure the speed of the rules")
    parser.add_argument("--precision", default="float32", choices=["float32", "int8"])
    parser.add_argument("folder", type=Path, help="folder of dev.conll and test.conll")
    parser.add_argument("runs", nargs="+")
    options = parser.parse_args()
    groups = [options.runs] if options.ensemble else [[run] for run in options.runs]
    for group in groups:
        with predictor.load(*group, precision=options.precision) as model:
            if options.speed:
                speeds(model, options.folder / "test.conll")
            else:
                report(model, options.folder, ", ".join(group))


if __name__ == "__main__":
    main()
