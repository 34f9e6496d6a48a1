"""Prediction end to end, CoNLL file in, CoNLL file out: ours beside spaCy, CRFsuite and a PyTorch
BiLSTM, in one run.

    python benchmarks/prediction.py RUN [--tokens 200000] [--rounds 5]

RUN is a trained model. Everyone reads, tags and writes the test set, repeated to about so many
tokens; models are loaded before, again for each of our rounds, so that no word has been encoded yet
(but a repeated file repeats its words). Also: raw text to JSON Lines, the whole command with its
start, and the network's sessions alone, on padded batches that lie ready.

spaCy: `tok2vec` and `ner` of the small size, trained for a pass over 500 sentences. CRFsuite: the
usual Python features, 50 iterations over 4,000. PyTorch: a tagger of the model's shape, untrained.
So these are figures of speed alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import peers
import rounds

KINDS = ("conll", "text", "command", "kernel")
Rows = dict[str, list[str | Path]]


def work_of(kind: str, options: argparse.Namespace) -> Callable[[], rounds.Work]:
    """What prepares a round of ours."""
    from tagger.cpu import cores
    from tagger.inference import bench, predictor
    from tagger.inference import files as stream
    from tagger.text import formats

    source, precision, threads = Path(options.source), options.precision, cores()
    reading = formats.ReadOptions(annotated=False)
    settings = stream.TaggingSettings(reading)
    tokens = sum(map(len, formats.read(source, options=reading)))
    if kind == "kernel":
        from tagger.bundles import tagger_files as bundle

        run = bench.kernel(
            bundle.load(options.run),
            precision,
            threads,
            list(formats.read(source, "conll", reading)),
        )
        return lambda: lambda: run() or tokens
    if kind == "command":
        command = [
            sys.executable,
            "-m",
            "tagger.cli.main",
            "predict",
            options.run,
            source,
            "--output",
            source.parent / "out",
        ]
        command += ["--precision", precision]
        return lambda: (
            lambda: subprocess.run(command, check=True, capture_output=True).returncode or tokens
        )
    job = stream.FileJob(
        str(source),
        "",
        source.with_suffix(f".{kind}.{precision}"),
        options.target,
    )

    def prepare() -> rounds.Work:
        model = predictor.load(options.run, precision=precision)
        return lambda: stream.run(model, job, settings)

    return prepare


def repeated(folder: Path, tokens: int) -> tuple[Path, Path]:
    """The test set, as often as makes about so many tokens, or its beginning; as columns, and as
    raw text, a sentence a line.
    """
    import peer_columns

    sentences = list(peer_columns.sentences(rounds.corpus("test")))
    ends = list(accumulate(len(words) for _, words in sentences))
    times, sentences = max(1, round(tokens / ends[-1])), sentences[: bisect_left(ends, tokens) + 1]
    columns, text = folder / "test.conll", folder / "test.txt"
    columns.write_text(
        "".join("\n".join(lines) + "\n\n" for lines, _ in sentences) * times, encoding="utf-8"
    )
    text.write_text(
        "".join(" ".join(words) + "\n" for _, words in sentences) * times, encoding="utf-8"
    )
    return columns, text


def ours(run: str, columns: Path, text: Path) -> Rows:
    """The commands of our workers."""
    found: Rows = {}
    names = {
        "conll": "ours",
        "command": "ours, the whole command",
        "text": "ours, raw text to JSON Lines",
        "kernel": "network alone",
    }
    for precision in ("int8", "float32"):
        for kind, name in names.items():
            target = "jsonl" if kind == "text" else "conll"
            arguments = [run, "--serve", kind, "--precision", precision, "--target", target]
            source = text if kind == "text" else columns
            found[f"{name}, {precision}"] = [
                sys.executable,
                __file__,
                *arguments,
                "--source",
                source,
            ]
    return found


def others(columns: Path, folder: Path, shape: tuple[int, int]) -> Rows:
    """The commands of the peers that are installed."""
    train, threads, (layers, units) = rounds.corpus("train"), len(os.sched_getaffinity(0)), shape
    sizes = ("--layers", layers, "--units", units, "--threads", threads)
    found: Rows = {
        "spaCy": peers.command("spacy", "peer_spacy.py", train, columns, folder / "spacy"),
        f"spaCy, {threads} processes": peers.command(
            "spacy",
            "peer_spacy.py",
            train,
            columns,
            folder / "spacy-several",
            "--processes",
            threads,
        ),
        "CRFsuite": peers.command(
            "python-crfsuite", "peer_crfsuite.py", train, columns, folder / "crfsuite"
        ),
        "PyTorch BiLSTM": peers.command(
            "torch", "peer_torch.py", columns, folder / "torch", *sizes
        ),
    }
    return {name: command for name, command in found.items() if command}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=200_000)
    parser.add_argument("--serve", choices=KINDS, help=argparse.SUPPRESS)
    for name in ("--precision", "--source", "--target"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        rounds.serve(work_of(options.serve, options))
        return
    from tagger.bundles import tagger_files as bundle

    model = bundle.load(options.run).config.model
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        columns, text = repeated(folder, options.tokens)
        commands = {
            **ours(options.run, columns, text),
            **others(columns, folder, (model.layers, model.units)),
        }
        speeds = rounds.compare(commands, options.rounds)
    print(
        f"The test set of {rounds.corpus('test').parent.name}, {model.layers} x {model.units} "
        f"units, {options.rounds} rounds"
    )
    print(rounds.speed_table(speeds, "spaCy" if "spaCy" in speeds else next(iter(speeds))))


if __name__ == "__main__":
    main()
