"""How the cost of tagging grows with the length of sentences and with the number of labels; a table
and, if asked for, a plot.

    python benchmarks/growth.py [--plot growth.png] [--rounds 5]

Untrained models of one bidirectional LSTM of 200 units (a weight's value costs no time) tag made-up
sentences, one thread, in float32: microseconds of processor time per token, the median over rounds
in which all take their turn. Spans have probabilities, and document consistency is on, as in
trained models.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median

import numpy as np
import rounds

from tagger.bundles import tagger_weights as weights
from tagger.bundles.tagger import Bundle
from tagger.config.tagger import Config
from tagger.export.tagger import with_graphs
from tagger.features.encode import WordFeatures
from tagger.features.inputs.characters import CharactersInput
from tagger.features.inputs.shapes import ShapesInput
from tagger.features.inputs.words import WordsInput
from tagger.features.vocabulary import Vocabulary
from tagger.inference.member import EnsembleMember
from tagger.inference.network import OnnxTagger
from tagger.inference.predictor import Predictor
from tagger.text import schemes
from tagger.text.spans import Sentence

LENGTHS = (1, 5, 15, 50, 150, 500, 1500, 5000)
LABELS = (1, 5, 50, 500, 5000)
WORDS = [f"{start}word{number}" for start in ("", "Up") for number in range(5000)]


def model(labels: int) -> Predictor:
    """An untrained model with so many labels."""
    features = WordFeatures.of(
        WordsInput(Vocabulary.build([WORDS])),
        CharactersInput(Vocabulary.build(WORDS)),
        ShapesInput(),
    )
    tags = schemes.tag_set([f"L{number}" for number in range(labels)], "IOBES")
    empty = Bundle(
        Config(),
        tags,
        "IOB2",
        features,
        {},
        {"agreement": {"weight": 0.6, "score": 0, "without": 0}},
    )
    random = np.random.default_rng(1)
    shapes = weights.expected(empty.config.model, features, len(tags))
    drawn = {
        name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()
    }
    untrained = with_graphs(Bundle(empty.config, tags, "IOB2", features, drawn, empty.metrics))
    return Predictor(EnsembleMember(untrained, OnnxTagger(untrained)), threads=1)


def sentences(length: int, tokens: int) -> list[Sentence]:
    random = np.random.default_rng(2)
    count = max(tokens // length, 1)
    return [
        Sentence(tuple(WORDS[number] for number in row))
        for row in random.integers(len(WORDS), size=(count, length))
    ]


def costs(works: dict[int, tuple[Predictor, list[Sentence]]], times: int) -> dict[int, float]:
    """Microseconds per token of each piece of work; a round before all is not counted."""
    found: dict[int, list[float]] = {key: [] for key in works}
    for _ in range(times + 1):
        for key, (predictor, given) in works.items():
            start = time.process_time()
            for _sentence in predictor.predict(given):
                pass
            found[key].append(1e6 * (time.process_time() - start) / sum(map(len, given)))
    return {key: median(seconds[1:]) for key, seconds in found.items()}


def plot(curves: dict[str, dict[int, float]], path: Path) -> None:
    """A curve in each of two panels, written to `path`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        1, len(curves), figsize=(9, 3.2), sharey=True, layout="constrained"
    )
    for panel, (name, curve) in zip(panels, curves.items(), strict=True):
        panel.plot(list(curve), list(curve.values()), marker="o")
        panel.set(xscale="log", xlabel=name, ylim=(0, None))
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("µs per token, one thread")
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plot", type=Path, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=15_000)
    options = parser.parse_args()
    four = model(4)
    work: dict[str, dict[int, tuple[Predictor, list[Sentence]]]] = {
        "tokens of a sentence": {
            length: (four, sentences(length, options.tokens)) for length in LENGTHS
        },
        "labels": {labels: (model(labels), sentences(15, options.tokens)) for labels in LABELS},
    }
    curves: dict[str, dict[int, float]] = {}
    for name, works in work.items():
        curves[name] = costs(works, options.rounds)
        print(
            rounds.table(
                [name, "µs per token", "tokens/s"],
                [
                    [f"{key:,}", f"{cost:.1f}", f"{1e6 / cost:,.0f}"]
                    for key, cost in curves[name].items()
                ],
            )
            + "\n"
        )
    if options.plot:
        plot(curves, options.plot)


if __name__ == "__main__":
    main()
