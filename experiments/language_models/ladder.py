"""Train the rungs of the ladder of language models, write down what each reaches, and make a table
of it.

    cd experiments/language_models
    python ladder.py 0*.toml --runs ../../runs/language-models
    python experiments/language_models/ladder.py --runs runs/language-models --table

A training keeps the epoch that is best on dev. Test is read once for each, sentence by sentence,
each from the zero state, as `tagger lm score` does. A rung that has its figures already is left as
it is.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from tagger.bundles.language_model import LanguageModelBundle
from tagger.config import language_model as config
from tagger.language_models import scoring, text
from tagger.language_models.model import LanguageModel
from tagger.training import language_model
from tagger.training.observer import Observer
from tagger.tuning.tables import markdown


class Log(Observer):
    """A line an epoch."""

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        print(
            {name: round(value, 4) for name, value in row.items()},
            "*" if is_best else "",
            flush=True,
        )


def figures(name: str, bundle: LanguageModelBundle, test: str, seconds: float) -> dict[str, object]:
    """What a trained rung reaches; `seconds` are of processor time."""
    total = scoring.CorpusScore()
    for scored in scoring.score(
        LanguageModel(bundle), text.sentences([test], bundle.config.data.reading)
    ):
        total.add(scored)
    return {
        "rung": name,
        "parameters": int(sum(array.size for array in bundle.weights.values())),
        "vocabulary": len(bundle.vocabulary),
        "read": min(
            bundle.metrics["epochs"] * bundle.config.training.epoch_tokens,
            bundle.metrics["train_tokens"],
        ),
        "minutes": round(seconds / 60, 1),
        "dev": bundle.metrics["dev"],
        "test": total.as_dict(),
    }


def table(folder: Path) -> str:
    head = (
        "rung",
        "parameters",
        "read",
        "minutes",
        "dev perplexity",
        "dev bits",
        "test perplexity",
        "test bits",
        "unknown %",
    )
    rows = []
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        dev, test = result["dev"], result["test"]
        unknown = 100 * test["unknown"] / test["steps"]
        shown = (f"{result['parameters']:,}", f"{result['read']:,}", f"{result['minutes']:.1f}")
        measured = (
            dev["perplexity"],
            dev["bits_per_character"],
            test["perplexity"],
            test["bits_per_character"],
        )
        rows.append(
            (result["rung"], *shown, *(f"{value:.2f}" for value in measured), f"{unknown:.1f}")
        )
    return markdown(head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="*")
    parser.add_argument("--runs", default="runs/language-models")
    parser.add_argument("--test", default="data/news/test.txt")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    for path in options.configs:
        name = Path(path).stem
        run, record = Path(options.runs) / name, Path(options.runs) / f"{name}.json"
        if record.exists():
            continue
        print(name, flush=True)
        began = time.process_time()
        trained = language_model.train(config.load(path), run, observer=Log())
        result = figures(name, trained, options.test, time.process_time() - began)
        record.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.table:
        print(table(Path(options.runs)))


if __name__ == "__main__":
    main()
