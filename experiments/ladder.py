"""Train the rungs of the ladder on CoNLL-2003 and write down what each reaches.

    python experiments/ladder.py experiments/ladder/*.toml --seed 1 --runs runs/ladder

Each training stops early on dev. Test is read once for each, after all is decided, and scored with
the conlleval-identical figure: decoded under the scheme's constraints, and with each token's most
probable tag for itself. The figures go to RUNS/<rung>-<seed>.json; `ladder_table.py` makes table
and plot of them. A run that is there already is only scored.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path

from tagger import corpora
from tagger.bundles import tagger_files as bundles
from tagger.config import tagger as config
from tagger.evaluation.scores import conlleval
from tagger.features.encode import WordEncoder
from tagger.inference.decoder import Decoder
from tagger.inference.member import emissions_in_batches
from tagger.text import schemes
from tagger.training import trainer
from tagger.training.build import restore
from tagger.training.observer import Observer


class Log(Observer):
    """A line an epoch."""

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        print(
            {name: round(value, 4) for name, value in row.items()},
            "*" if is_best else "",
            flush=True,
        )


def figures(bundle, model, paths: Sequence[str], decoder: Decoder) -> dict[str, float]:
    """F1 on some files, constrained and not, in percent."""
    data = bundle.config.data
    sentences = corpora.read_all(paths, data.reading, data.scheme).sentences
    gold = [schemes.encode(sentence.spans or (), len(sentence), "IOB2") for sentence in sentences]
    # S- as B- and E- as I-: valid IOBES becomes valid IOB2, and conlleval makes the best of what is
    # not valid.
    tags = [
        tag.replace("S-", "B-", 1).replace("E-", "I-", 1) if tag[1:2] == "-" else tag
        for tag in bundle.tags
    ]
    constrained: list[list[str]] = [[]] * len(sentences)
    free: list[list[str]] = [[]] * len(sentences)
    words = [sentence.tokens for sentence in sentences]
    for indices, lengths, emissions in emissions_in_batches(
        words, WordEncoder(bundle.features), model.emissions, len(bundle.tags)
    ):
        best, likeliest = decoder.paths(emissions, lengths), emissions.argmax(axis=-1)
        for row, index in enumerate(indices):
            constrained[index] = [tags[number] for number in best[row, : lengths[row]]]
            free[index] = [tags[number] for number in likeliest[row, : lengths[row]]]
    return {
        "constrained": conlleval(gold, constrained).f1,
        "unconstrained": conlleval(gold, free).f1,
    }


def minutes(run: Path) -> float:
    """Of all epochs together, dev included."""
    with open(run / "history.csv", encoding="utf-8") as stream:
        return sum(float(row["seconds"]) for row in csv.DictReader(stream)) / 60


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="+")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", default="runs/ladder")
    parser.add_argument("--test", default="data/conll2003/test.conll")
    options = parser.parse_args()
    for path in options.configs:
        name = f"{Path(path).stem}-{options.seed}"
        settings = config.override(config.load(path), [f"training.seed={options.seed}"])
        print(name, flush=True)
        run = Path(options.runs) / name
        bundle = (
            bundles.load(run)
            if (run / "manifest.json").exists()
            else trainer.train(settings, run, observer=Log())
        )
        model, decoder = restore(bundle), Decoder(bundle.tags, plain_tags=False)
        result = {
            "rung": Path(path).stem,
            "seed": options.seed,
            "parameters": int(sum(array.size for array in bundle.weights.values())),
            "epochs": bundle.metrics["epochs"],
            "best_epoch": bundle.metrics["best_epoch"],
            "minutes": round(minutes(run), 2),
            "dev": figures(bundle, model, settings.data.dev, decoder),
            "test": figures(bundle, model, [options.test], decoder),
        }
        (Path(options.runs) / f"{name}.json").write_text(
            json.dumps(result, indent=1) + "\n", encoding="utf-8"
        )
        print(result, flush=True)


if __name__ == "__main__":
    main()
