"""Train with the defaults on a corpus, or on a part of its training sentences, with several seeds;
write down what each reaches.

    python experiments/accuracy.py conll2003 --vectors FILE --vectors FILE --seeds 1 2 3 4 5 --test
    python experiments/accuracy.py bc5cdr --vectors FILE --sentences 1000 --seeds 1 2 3 --test

Each training reads data/<corpus>/train.conll and dev.conll (see the corpora's own folders). Without
--test the test set is not read. The figures, conlleval's F1, go to RUNS/<name>/<seed>.json;
`accuracy_table.py` makes tables and plots of them. What is there already stays.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from pathlib import Path

from tagger.bundles import tagger_files as bundles
from tagger.config import tagger as config
from tagger.evaluation.run import score_sentences
from tagger.inference.member import EnsembleMember
from tagger.inference.network import OnnxTagger
from tagger.inference.predictor import Predictor
from tagger.text import annotation
from tagger.training import trainer
from tagger.training.inputs.context import contexts_of
from tagger.training.observer import Observer

DATA = Path(__file__).parent.parent / "data"
SCHEME = {
    "conll2003": "IOB1",
    "bc5cdr": "IOB2",
    "conll2000": "IOB2",
}  # a hundred sentences may not show it
DRAW = 7  # the seed by which a part of the training sentences is drawn: the same for all trainings


class Log(Observer):
    """A line an epoch."""

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        print(
            {name: round(value, 4) for name, value in row.items()},
            "*" if is_best else "",
            flush=True,
        )


def part(corpus: str, sentences: int, runs: Path) -> Path:
    """The training file, or one with so many of its sentences, drawn at random."""
    path = DATA / corpus / "train.conll"
    if not sentences:
        return path
    blocks = [
        block
        for block in path.read_text(encoding="utf-8").split("\n\n")
        if block and not block.startswith("-DOCSTART-")
    ]
    drawn = random.Random(DRAW).sample(blocks, sentences)
    target = runs / f"{corpus}-{sentences}.conll"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n\n".join(block.strip("\n") for block in drawn) + "\n", encoding="utf-8")
    return target


def result(run: Path, options: argparse.Namespace, settings: config.Config) -> dict:
    """What a finished run reached, and what it cost."""
    bundle = bundles.load(run)
    member = EnsembleMember(bundle, OnnxTagger(bundle, "float32"))
    sets = {"dev": DATA / options.corpus / "dev.conll"}
    if options.test:
        sets["test"] = DATA / options.corpus / "test.conll"
    scores = {}
    for name, path in sets.items():
        corpus = annotation.read(path, settings.data.reading, settings.data.scheme)
        gold, scheme = corpus.sentences, corpus.scheme
        states = contexts_of(member.encoders, [one.tokens for one in gold], Observer())
        with Predictor(member) as model:
            found = score_sentences(model, gold, "IOB1" if scheme == "IOB1" else "IOB2", states)
        scores[name] = found.conlleval.f1
    with open(run / "history.csv", encoding="utf-8") as stream:
        history = list(csv.DictReader(stream))
    return {
        **scores,
        "epochs": len(history),
        "best_epoch": bundle.metrics["best_epoch"],
        "minutes": sum(float(row["seconds"]) for row in history) / 60,
        "tokens_per_second": sorted(float(row["tokens_per_second"]) for row in history)[
            len(history) // 2
        ],
        "parameters": int(sum(array.size for array in bundle.weights.values())),
        "changed": options.set,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", choices=["conll2003", "bc5cdr", "conll2000"])
    parser.add_argument("--sentences", type=int, default=0, help="of train; 0: all")
    parser.add_argument("--vectors", action="append", default=[])
    parser.add_argument("--language-model", action="append", default=[])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--name",
        help="of the group; by default corpus, sentences, and whether there are vectors or more",
    )
    parser.add_argument("--runs", type=Path, default=Path("runs/accuracy"))
    parser.add_argument("--test", action="store_true", help="read the test set")
    options = parser.parse_args()
    inputs = [
        "vectors" if options.vectors else "plain",
        *(["models"] if options.language_model else []),
    ]
    group = options.name or "-".join([options.corpus, str(options.sentences or "all"), *inputs])
    train, dev = (
        part(options.corpus, options.sentences, options.runs),
        DATA / options.corpus / "dev.conll",
    )
    base = config.assign(
        config.Config(),
        {
            "data.train": str(train),
            "data.dev": str(dev),
            "data.vectors": tuple(options.vectors),
            "data.language_models": tuple(options.language_model),
            "data.scheme": SCHEME[options.corpus],
        },
    )
    for seed in options.seeds:
        settings = config.override(base, [*options.set, f"training.seed={seed}"])
        run = options.runs / group / str(seed)
        target = run.with_suffix(".json")
        if target.exists():
            continue
        print(group, seed, flush=True)
        if not (run / "manifest.json").exists():
            trainer.train(settings, run, resume=(run / "checkpoint").exists(), observer=Log())
        found = {"group": group, "seed": seed, **result(run, options, settings)}
        target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(found, flush=True)


if __name__ == "__main__":
    main()
