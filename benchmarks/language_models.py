"""A tagger that reads with language models beside Flair, from file to file; the language models
alone beside PyTorch; in one run.

    python benchmarks/language_models.py [--run RUN] [--tokens 3000] [--rounds 5]

RUN is a trained tagger that reads with models of characters. Without it an untrained one of the
default shape, with vectors of 150, reads with news-forward.npz and news-backward.npz of
$TAGGER_SHARED/language_models or, where they are not, with models of their size and random weights.
Everyone reads, tags and writes the beginning of the test set as CoNLL columns.

Flair is untrained too, of the shape of its ner-english-fast, around the very same language models;
PyTorch is `nn.LSTM` with their weights on padded batches of similar length, and the work is what
both models know at each token. Untrained taggers find next to nothing. So these are figures of
speed alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import peer_columns
import peers
import prediction
import rounds

if TYPE_CHECKING:
    from tagger.bundles.language_model import LanguageModelBundle

DIRECTIONS = ("forward", "backward")
CHARACTERS, EMBEDDED, UNITS = 275, 100, 1024
VECTORS = 150
LABELS = ("LOC", "MISC", "ORG", "PER")
OUTSIDE = 10.0
PYTORCH = (0, 2, 1, 3)  # its gates are in the order i, f, g, o, ours u, c, f, o


def news(folder: Path) -> list[LanguageModelBundle]:
    """The models of the news, or of their size, imported into folders."""
    from tagger.bundles import language_model as bundle
    from tagger.language_models import importing

    shared = (
        Path(os.environ.get("TAGGER_SHARED", rounds.ROOT.parent / "shared")) / "language_models"
    )
    for number, direction in enumerate(DIRECTIONS):
        source = shared / f"news-{direction}.npz"
        if not source.exists():
            np.savez(source := folder / f"random-{direction}.npz", **random_model(number))
        importing.import_model(source, folder / direction, direction)
    return [bundle.load(folder / direction) for direction in DIRECTIONS]


def random_model(seed: int) -> dict[str, np.ndarray]:
    """A model of the news' size as PyTorch begins to train it."""
    bound, random = UNITS**-0.5, np.random.default_rng(seed)
    shapes = {
        "encoder.weight": (CHARACTERS, EMBEDDED),
        "rnn.weight_ih_l0": (4 * UNITS, EMBEDDED),
        "rnn.weight_hh_l0": (4 * UNITS, UNITS),
        "rnn.bias_ih_l0": (4 * UNITS,),
        "rnn.bias_hh_l0": (4 * UNITS,),
        "decoder.weight": (CHARACTERS, UNITS),
        "decoder.bias": (CHARACTERS,),
    }
    arrays = {
        name: random.uniform(-bound, bound, shape).astype(np.float32)
        for name, shape in shapes.items()
    }
    return {**arrays, "characters": _json(["<unk>", "\n", *map(chr, range(32, 30 + CHARACTERS))])}


def as_pytorch(model: LanguageModelBundle) -> dict[str, np.ndarray]:
    """A model's arrays as PyTorch has them, with its characters: 0 is what is not known, 1 the line
    end, which stands for our border and has the zero vector."""
    settings, weights = model.config.model, model.weights
    if (settings.level, settings.cell) != ("characters", "lstm") or not settings.embedding:
        sys.exit(
            "expected language models of embedded characters with LSTMs: no other kind can be "
            "compared"
        )
    table = weights["embedding/embeddings"]
    arrays = {"encoder.weight": np.concatenate([table[1:2], np.zeros_like(table[:1]), table[2:]])}
    for depth in range(settings.layers):
        kernel, recurrent, bias = (
            weights[f"encoder/forward_{depth + 1}/{name}"]
            for name in ("kernel", "recurrent", "bias")
        )
        for name, array in (
            ("weight_ih", kernel.T),
            ("weight_hh", recurrent.T),
            ("bias_ih", bias),
            ("bias_hh", 0 * bias),
        ):
            arrays[f"rnn.{name}_l{depth}"] = np.concatenate(
                [np.split(array, 4)[gate] for gate in PYTORCH]
            )
    characters = ["<unk>", "\n", *model.vocabulary.words]
    return {
        **arrays,
        "characters": _json(characters),
        "backward": np.array(settings.direction == "backward"),
    }


def _json(characters: list[str]) -> np.ndarray:
    return np.frombuffer(json.dumps(characters).encode(), dtype=np.uint8)


def untrained(folder: Path, models: list[LanguageModelBundle]) -> Path:
    """An untrained tagger of the default shape that reads with language models."""
    from tagger.bundles import tagger_files as bundle
    from tagger.bundles import tagger_weights as weights
    from tagger.bundles.tagger import Bundle
    from tagger.config.tagger import Config, DataConfig
    from tagger.export import tagger as export
    from tagger.features.encode import WordFeatures
    from tagger.features.inputs.characters import CharactersInput
    from tagger.features.inputs.shapes import ShapesInput
    from tagger.features.inputs.token_states import TokenStatesInput
    from tagger.features.inputs.vectors import VectorsInput
    from tagger.features.inputs.words import WordsInput
    from tagger.features.vectors import Vectors
    from tagger.features.vocabulary import Vocabulary
    from tagger.text import schemes

    random = np.random.default_rng(1)
    words = Vocabulary.build(tokens for _, tokens in peer_columns.sentences(rounds.corpus("train")))
    lowered = sorted({word.lower() for word in words.words})
    vectors = Vectors(lowered, random.normal(0, 0.3, (len(lowered), VECTORS)).astype(np.float16))
    features = WordFeatures.of(
        WordsInput(words),
        VectorsInput(vectors),
        CharactersInput(Vocabulary.build(words.words)),
        ShapesInput(),
        TokenStatesInput(bundle.sources_of(models)),
    )
    config, tags = (
        Config(DataConfig(vectors=("random",), language_models=DIRECTIONS)),
        schemes.tag_set(LABELS, "IOBES"),
    )
    shapes = weights.expected(config.model, features, len(tags))
    drawn = {
        name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()
    }
    drawn["head/tags/bias"][tags.index("O")] = OUTSIDE
    metrics = {
        "agreement": {"weight": 0.6, "score": 0, "without": 0}
    }  # as most trained models have
    model = Bundle(config, tags, "IOB2", features, drawn, metrics, language_models=tuple(models))
    bundle.save(folder, export.with_graphs(model))
    return folder


def serve_states(run: str, precision: str, source: str) -> None:
    """Be the worker of our language models alone."""
    from tagger.bundles import tagger_files as bundle
    from tagger.inference.member import encoders_of
    from tagger.language_models.states import states_of

    encoders = encoders_of(bundle.load(run), precision)

    def work() -> int:
        sentences = [tokens for _, tokens in peer_columns.sentences(source)]
        return sum(map(len, states_of(encoders, sentences).arrays[0]))

    rounds.serve(lambda: work)


def compare(run: str, folder: Path, options: argparse.Namespace) -> None:
    """Print both tables."""
    from tagger.bundles import tagger_files as bundle

    models = bundle.load(run).language_models
    if not models:
        sys.exit(f"{run}: reads with no language models")
    files = [folder / f"{number}.npz" for number in range(len(models))]
    for file, model in zip(files, models, strict=True):
        np.savez(file, **as_pytorch(model))
    columns, _ = prediction.repeated(folder, options.tokens)
    threads = ("--threads", options.threads)
    whole: prediction.Rows = {
        "Flair": peers.command(
            "flair", "peer_flair.py", columns, folder / "flair", *files, *threads
        )
    }
    alone: prediction.Rows = {
        "PyTorch": peers.command(
            "torch", "peer_torch_language_models.py", columns, *files, *threads
        )
    }
    for precision in ("float32", "int8"):
        arguments: list[str | Path] = ["--precision", precision, "--source", columns]
        script = Path(prediction.__file__)
        whole[f"ours, {precision}"] = [
            sys.executable,
            script,
            run,
            "--serve",
            "conll",
            *arguments,
            "--target",
            "conll",
        ]
        alone[f"ours, {precision}"] = [
            sys.executable,
            __file__,
            "--run",
            run,
            "--serve",
            *arguments,
        ]
    print(
        f"About {options.tokens:,} tokens of {rounds.corpus('test').parent.name}, "
        f"{options.rounds} rounds;",
        end=" ",
    )
    print(
        f"{len(models)} language models of {' and '.join(str(model.units) for model in models)} "
        "units"
    )
    for title, base, commands in (
        ("From file to file", "Flair", whole),
        ("The language models alone", "PyTorch", alone),
    ):
        speeds = rounds.compare(
            {name: command for name, command in commands.items() if command}, options.rounds
        )
        base = base if base in speeds else next(iter(speeds))
        print(f"\n{title}\n\n{rounds.speed_table(speeds, base)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=3_000)
    parser.add_argument(
        "--threads",
        type=int,
        default=len(os.sched_getaffinity(0)),
        help="of the others: all cores are not always best",
    )
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    for name in ("--precision", "--source"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_states(options.run, options.precision, options.source)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compare(options.run or str(untrained(folder / "run", news(folder))), folder, options)


if __name__ == "__main__":
    main()
