"""What probabilities of spans are worth: thresholds, calibration and operating points, on dev and
test.

    python experiments/probabilities.py data/conll2003 runs/accuracy/conll2003-all-vectors/1 ...
    python experiments/probabilities.py --ensemble data/conll2003 RUN RUN RUN

For each run (or, with --ensemble, for the average of all), in float32 and with the model's document
consistency: F1 of the best tag sequence and of thresholds that dev chose; the expected calibration
error and the Brier score on the half of dev that was not used for fitting, both halves in turn; and
what targets chosen on dev reach on test. Nothing is chosen on test. Several runs are averaged in a
last table. --dev leaves test alone.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tables
from calibrations import Fit, by_label, isotonic

from tagger.errors import TaggerError
from tagger.evaluation.calibration import calibration
from tagger.inference import predictor
from tagger.inference.decoder import Decoder
from tagger.inference.operating_points import GRID, counts_at, thresholds_of
from tagger.inference.predictor import Predictor
from tagger.span_decoding import Spans, best_set
from tagger.text import annotation
from tagger.text.spans import Sentence
from tagger.training.export import calibration as fitting
from tagger.training.export.hiding import hidden_at
from tagger.training.export.lattices import Lattice, lattices

Result = dict[str, Any]
TARGETS = ("recall=0.9", "recall=0.95", "recall=0.99", "precision=0.95", "precision=0.98")
HIDDEN = (0.99, 0.995)


class Part:
    """Annotated sentences with their scores."""

    def __init__(self, model: Predictor, path: Path) -> None:
        data = model.bundle.config.data
        gold = annotation.read(str(path), data.reading, data.scheme).sentences
        self.sentences, self.batches = lattices(model.emissions(gold))
        self.counts = Counter(span.label for one in gold for span in one.spans or ())

    def spans(self, decoder: Decoder) -> tuple[Spans, np.ndarray]:
        """All spans, and whether each is correct."""
        spans = fitting.all_spans(self.batches, decoder)
        return spans, fitting.annotated_in(spans, self.sentences, decoder)

    @property
    def gold(self) -> int:
        return sum(self.counts.values())

    def best_sequence(self, decoder: Decoder) -> float:
        return fitting.best_sequence_f1(self.batches, decoder, self.sentences)

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


def per_label(
    spans: Spans, correct: np.ndarray, counts: Counter[str], labels: Sequence[str]
) -> np.ndarray:
    """The threshold of each label that maximizes its own F1, smoothed: (L,)."""
    found = []
    for place, label in enumerate(labels):
        scores = []
        for threshold in fitting.THRESHOLDS:
            chosen = (spans.label == place) & (spans.probability >= threshold)
            total = chosen.sum() + counts[label]
            scores.append(2 * correct[chosen].sum() / max(total, 1))
        best = np.argmax(fitting.smoothed(np.array(scores)))
        found.append(float(fitting.THRESHOLDS[best]))
    return np.array(found)


def crossed_per_label(
    spans: Spans, correct: np.ndarray, dev: Part, decoder: Decoder, common: float, share: float
) -> float:
    """Cross-validated F1 of one threshold per label, of which `share` counts beside `common`."""
    fold = np.arange(len(dev.sentences)) * fitting.FOLDS // len(dev.sentences)
    predicted = right = 0
    for part in range(fitting.FOLDS):
        others = fold[spans.sentence] != part
        counts = Counter(
            span.label
            for sentence, own in zip(dev.sentences, fold, strict=True)
            if own != part
            for span in sentence.spans or ()
        )
        each = per_label(spans.where(others), correct[others], counts, decoder.labels)
        chosen = best_set(spans.where(~others), share * each + (1 - share) * common)
        predicted += len(chosen)
        right += int(correct[~others][chosen].sum())
    return 200 * right / (predicted + dev.gold)


def default_rule(model: Predictor, part: Part) -> float:
    """F1 of what `tagger predict` does without options."""
    selection = model.selection()
    if selection.thresholds is None:
        return part.best_sequence(model.decoder)
    spans, correct = part.spans(model.decoder)
    return part.f1(spans, correct, selection.thresholds)


def measure(model: Predictor, folder: Path, parts: Sequence[str]) -> Result:
    """All figures of one model by name, on the parts: dev, and test unless it is left alone."""
    raw = model.decoder.at(1.0)
    read = {name: Part(model, folder / f"{name}.conll") for name in parts}
    dev = read["dev"]
    temperature = fitting.fit_temperature(dev.sentences, dev.batches, raw)
    decoder = raw.at(temperature)
    spans, correct = dev.spans(decoder)
    common, crossed = fitting.choose_threshold(spans, correct, dev.sentences, len(decoder.labels))
    each = per_label(spans, correct, dev.counts, decoder.labels)
    halves = (each + common) / 2
    found: Result = {"temperature": temperature, "threshold": common}
    found["dev F1, threshold, cross-validated"] = crossed
    for name, share in (("one per label", 1.0), ("half of that", 0.5)):
        found[f"dev F1, {name}, cross-validated"] = crossed_per_label(
            spans, correct, dev, decoder, common, share
        )
    for method, (ece, brier) in calibrations(dev, raw).items():
        found[f"other half of dev, {method}: ECE"] = ece
        found[f"other half of dev, {method}: Brier"] = brier
    table = counts_at(spans, correct, decoder.labels, dev.counts)
    hidden = hidden_at(spans, dev.sentences, decoder.labels)
    for name, part in read.items():
        own, right = part.spans(decoder)
        found[f"{name} F1, best sequence"] = part.best_sequence(decoder)
        found[f"{name} F1, threshold"] = part.f1(own, right, [common] * len(decoder.labels))
        found[f"{name} F1, one per label"] = part.f1(own, right, each)
        found[f"{name} F1, half of that"] = part.f1(own, right, halves)
        found[f"{name} F1, tagger predict"] = default_rule(model, part)
        for title, one in (("uncalibrated", raw), ("temperature", decoder)):
            all_of_it, ok = part.spans(one)
            result = calibration(all_of_it.probability, ok, part.gold)
            found[f"{name}, {title}: ECE"] = result.ece
            found[f"{name}, {title}: Brier"] = result.brier
        for floor in (GRID[0], 0.01):
            kept = right[own.probability >= floor].sum()
            found[f"{name}, recall of all candidates above {floor:g}"] = kept / part.gold
        counts = counts_at(own, right, decoder.labels, part.counts)["counts"][""]
        found |= promised(name, {"operating_points": table}, counts, decoder)
        found |= hiding(name, hidden, hidden_at(own, part.sentences, decoder.labels))
    return found


def promised(name: str, table: Result, counts: Result, decoder: Decoder) -> Result:
    """What targets reach on a part at the thresholds that dev chose for them."""
    found: Result = {}
    for target in TARGETS:
        try:
            threshold = thresholds_of(table, decoder.labels, 0.5, None, target).other
        except TaggerError as error:
            found[target] = str(error)
            continue
        place, is_recall = GRID.index(threshold), target.startswith("recall")
        whole = counts["gold"] if is_recall else counts["predicted"][place]
        found[f"{target}: threshold"] = threshold
        found[f"{target}: on {name}"] = counts["correct"][place] / max(whole, 1)
    return found


def hiding(name: str, dev: Result, own: Result) -> Result:
    """What `tagger redact` hides of a part at the thresholds that dev chose."""
    found: Result = {}
    for wanted in HIDDEN:
        shares = np.array(dev["hidden"]) / max(dev["spans"], 1)
        places = np.flatnonzero(shares >= wanted)
        if not len(places):
            found[f"hidden {wanted}"] = f"at most {shares.max():.4f} on dev"
            continue
        place = places[-1]
        found[f"hidden {wanted}: threshold"] = GRID[place]
        found[f"hidden {wanted}: on {name}"] = own["hidden"][place] / max(own["spans"], 1)
        needless = 1 - own["right"][place] / max(own["tokens"][place], 1)
        found[f"hidden {wanted}: needless tokens of the hidden ones on {name}"] = needless
    return found


def shown(values: Sequence[object]) -> str:
    """A value, or the mean of several with the sample standard deviation."""
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(numbers) < len(values):
        return "; ".join(map(str, dict.fromkeys(values)))
    return tables.shown(numbers, digits=2 if max(map(abs, numbers)) > 5 else 4)


def show(results: dict[str, Result]) -> None:
    """Print the figures of the models side by side, and the mean of several."""
    names = list(dict.fromkeys(name for one in results.values() for name in one))
    mean_column = ["mean ± deviation"] if len(results) > 1 else []
    print("| | " + " | ".join([*results, *mean_column]) + " |")
    print("|---|" + "---:|" * (len(results) + len(mean_column)))
    for name in names:
        values = [one.get(name, "–") for one in results.values()]
        cells = [shown([value]) for value in values]
        print("| " + " | ".join([name, *cells, *([shown(values)] if mean_column else [])]) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ensemble", action="store_true", help="average the runs")
    parser.add_argument("--dev", action="store_true", help="leave test alone")
    parser.add_argument("--precision", default="float32", choices=["float32", "int8"])
    parser.add_argument("folder", type=Path, help="folder of dev.conll and test.conll")
    parser.add_argument("runs", nargs="+")
    options = parser.parse_args()
    groups = [options.runs] if options.ensemble else [[run] for run in options.runs]
    results = {}
    for group in groups:
        with predictor.load(*group, precision=options.precision) as model:
            parts = ["dev"] if options.dev else ["dev", "test"]
            name = " + ".join(Path(run).name for run in group)
            results[name] = measure(model, options.folder, parts)
    show(results)


if __name__ == "__main__":
    main()
