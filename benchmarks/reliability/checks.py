"""The checks of the harness; each returns how often it was tried, and what went wrong."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.reliability import children, hostile
from benchmarks.reliability.children import ROOT, killed, measured, tagger
from tagger.bundles import tagger_files
from tagger.errors import TaggerError

__all__ = ["CHECKS", "Outcome"]

GOLDEN = hostile.TAGGER
SETTINGS = """\
[data]
train = "{root}/data/sample/train.conll"
dev = "{root}/data/sample/dev.conll"
[model]
units = 20
embedding = 10
characters = 5
[training]
epochs = 2
epoch_tokens = 4000
"""


class Outcome(NamedTuple):
    """The outcome of a check.

    Attributes:
        tried: How often.
        wrong: Descriptions of what went wrong.
        note: Figures worth reporting.
    """

    tried: int
    wrong: list[str]
    note: str = ""


def hostile_files(folder: Path, count: int, chance: random.Random) -> Outcome:
    """Open hostile files: one line of error, under 2 s and 500 MB more than an intact model."""
    errors, wrong, slowest, largest = folder / "errors", [], 0.0, 0.0
    plain = measured(tagger("info", GOLDEN), errors)
    names = list(hostile.CASES)
    for name in chance.sample(names, min(count, len(names))):
        place = folder / "case"
        place.mkdir()
        case = hostile.CASES[name]
        arguments = case.build(place)
        size = sum(path.stat().st_blocks * 512 for path in place.rglob("*") if path.is_file())
        ended = measured(tagger(*arguments), errors)
        seconds = ended.seconds - plain.seconds
        memory = ended.memory - plain.memory - size / 1e6
        slowest, largest = max(slowest, seconds), max(largest, memory)
        if ended.status != 1 or ended.errors.count("\n") != 1 or case.message not in ended.errors:
            wrong.append(f"{name}: status {ended.status}, {ended.errors[:200]!r}")
        elif seconds > 2 or memory > 500:
            wrong.append(f"{name}: {seconds:.1f} s, {memory:.0f} MB")
        shutil.rmtree(place)
    note = f"at most {max(slowest, 0):.1f} s and {max(largest, 0):.0f} MB more than an intact model"
    return Outcome(min(count, len(names)), wrong, note)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Change, remove, repeat or insert some bytes."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        place = chance.randrange(len(data) + 1) if data else 0
        length = chance.choice((1, 1, 2, 8, 100))
        kind = chance.randrange(5)
        if kind == 0:
            data[place : place + length] = chance.randbytes(length)
        elif kind == 1:
            del data[place : place + length]
        elif kind == 2:
            data[place:place] = data[place : place + length]
        elif kind == 3:
            data[place:place] = chance.randbytes(length)
        else:
            data[place:] = b""
    return bytes(data)


def fuzzed_bundles(folder: Path, count: int, chance: random.Random) -> Outcome:
    """Load models with a mutated file and the right digest: no exception but TaggerError."""
    wrong, refused, slowest = [], 0, 0.0
    files = [path for path in GOLDEN.rglob("*") if path.suffix in (".toml", ".json", ".npz",
             ".npy", ".onnx", ".txt") and "language_models" not in path.parts]  # fmt: skip
    copy = Path(shutil.copytree(GOLDEN, folder / "model"))
    for number in range(count):
        path = chance.choice(files)
        name = path.relative_to(GOLDEN).as_posix()
        content = mutated(path.read_bytes(), chance)
        if name == "manifest.json":
            (copy / name).write_bytes(content)
        else:
            hostile.seal(copy, name, content)
        started = time.monotonic()
        try:
            _use(copy)
        except TaggerError:
            refused += 1
        except Exception as error:
            wrong.append(f"{name} ({number}): {error!r}"[:300])
        slowest = max(slowest, time.monotonic() - started)
        shutil.copy(GOLDEN / name, copy / name)
        shutil.copy(GOLDEN / "manifest.json", copy / "manifest.json")
    return Outcome(count, wrong, f"{refused} refused; slowest {slowest:.1f} s")


def _use(folder: Path) -> None:
    """Load a model, describe it and tag a sentence with it."""
    import tagger as library
    from tagger.bundles.card import describe

    with library.load(folder) as model:
        describe(model.bundle)
        model.tag_tokens([["Mira", "Okafor", "met", "Leila"]])


def fuzzed_readers(folder: Path, count: int, chance: random.Random) -> Outcome:
    """Read mutated files with each reader: no exception but TaggerError."""
    from tagger.config import tagger as config
    from tagger.features import vector_files
    from tagger.language_models import importing
    from tagger.training import checkpoints

    samples: dict[str, tuple[bytes, Callable[[Path], Any]]] = {}
    for name in ("a tensor of a billion numbers", "doubled tuples as a key", "a set"):
        saved = hostile.instructions(hostile.PICKLES[name])
        for layout in (hostile.old_layout(saved), hostile.new_layout(saved, **{"0": bytes(16)})):
            samples[f"torch {len(samples)}"] = (
                layout, lambda path: importing.import_model(path, folder / "run", "forward"),
            )  # fmt: skip
    samples["settings"] = ((GOLDEN / "config.toml").read_bytes(), config.load)
    samples["checkpoint"] = ((GOLDEN / "weights.npz").read_bytes(), checkpoints.load)
    samples["vectors"] = (b"a 1 2 3\nb 4 5 6\n" * 20, vector_files.read)
    wrong, refused, path = [], 0, folder / "file"
    for number in range(count):
        name = chance.choice(list(samples))
        content, read = samples[name]
        path.write_bytes(mutated(content, chance))
        try:
            read(path)
        except TaggerError:
            refused += 1
        except Exception as error:
            wrong.append(f"{name} ({number}): {error!r}"[:300])
    return Outcome(count, wrong, f"{refused} refused")


_CALLS = 150  # system calls of saving a model, and some more


def killed_saves(folder: Path, count: int, chance: random.Random) -> Outcome:
    """Kill the writer of a model before a system call: the old model or the new one is left."""
    bundles = [
        replace(tagger_files.load(GOLDEN), metrics={"dev": {"score": s}}) for s in (1.0, 2.0)
    ]
    wrong, found = [], {1.0: 0, 2.0: 0}
    for step in (round(number * _CALLS / count) for number in range(count)):
        shutil.rmtree(folder / "model", ignore_errors=True)
        tagger_files.save(folder / "model", bundles[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            process = os.fork()
        if process == 0:
            _killed_before(step, lambda: tagger_files.save(folder / "model", bundles[1]))
        os.waitpid(process, 0)
        try:
            found[tagger_files.load(folder / "model").metrics["dev"]["score"]] += 1
        except TaggerError as error:
            wrong.append(f"before call {step}: {error}")
    return Outcome(count, wrong, f"the old one {found[1.0]} times, the new one {found[2.0]} times")


def _killed_before(step: int, work: Callable[[], Any]) -> None:
    """Work, and end this process before a system call that changes a folder or flushes a file."""
    left = [step]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)
            return real(*arguments, **options)

        return call

    for name in ("replace", "fsync", "rename", "unlink", "link", "mkdir", "rmdir"):
        setattr(os, name, counted(getattr(os, name)))
    work()
    os._exit(0)


def killed_trainings(folder: Path, count: int, chance: random.Random) -> Outcome:
    """Kill trainings at random times and resume them: the same bytes as without."""
    config = folder / "config.toml"
    config.write_text(SETTINGS.format(root=ROOT))
    whole = measured(tagger("train", config, folder / "whole"), folder / "errors", 600)
    if whole.status:
        return Outcome(1, [f"the training without a kill failed: {whole.errors[-300:]}"])
    expected, wrong, kills, chain = _digests(folder / "whole"), [], 0, 0
    while kills < count:
        chain += 1
        run = folder / f"run-{chain}"
        for attempt in range(20):
            resume = ["--resume"] * chance.randrange(2) if _is_startable(run) else ["--resume"]
            command = tagger("train", config, run, *(resume if attempt else ()))
            number = chance.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
            if attempt < 4 and not killed(command, chance, 1.2 * whole.seconds, number):
                kills += 1
                continue
            if not (run / "manifest.json").exists():
                ended = measured(command, folder / "errors", 600)
                if ended.status:
                    wrong.append(f"chain {chain}: {ended.errors[-300:]}")
            break
        if (run / "manifest.json").exists() and _digests(run) != expected:
            wrong.append(f"chain {chain}: other bytes")
        wrong += [f"chain {chain} left {path.name}" for path in run.rglob(".*.tmp")]
    return Outcome(kills, wrong, f"{chain} trainings, resumed after each kill")


def _is_startable(run: Path) -> bool:
    """Return whether a training has not written a checkpoint, so that it can also start over."""
    return not (run / "checkpoint" / "last.npz").exists() and not (run / "manifest.json").exists()


def _digests(run: Path) -> dict[str, str]:
    """Return the digests of the files of a model."""
    names = json.loads((run / "manifest.json").read_text())["files"]
    return {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in names}


def interrupted_imports(folder: Path, count: int, chance: random.Random) -> Outcome:
    """Press Ctrl-C in the first seconds of a training: it ends with status 130, or death by it."""
    config, wrong = folder / "config.toml", []
    config.write_text(SETTINGS.format(root=ROOT))
    for number in range(count):
        process = subprocess.Popen(
            tagger("train", config, folder / f"run-{number}"), env=children.ENVIRONMENT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        moment = chance.uniform(0.1, 5)
        time.sleep(moment)
        if process.poll() is not None:
            continue
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.returncode not in (130, -signal.SIGINT):
            wrong.append(f"at {moment:.2f} s: status {process.returncode}")
    return Outcome(count, wrong)


def orphans(folder: Path, count: int, chance: random.Random) -> Outcome:
    """Kill `predict --workers 2` alone: its workers end, and release the pipe."""
    texts, wrong, slowest = folder / "texts", [], 0.0
    texts.mkdir()
    for name in ("a.txt", "b.txt"):
        (texts / name).write_text("Mira Okafor works for Nordwind in Quito.\n\n" * 200_000)
    for number in range(count):
        output = folder / f"out-{number}"
        process = subprocess.Popen(
            tagger("predict", GOLDEN, texts, "--output", output, "--workers", "2"),
            stderr=subprocess.PIPE, env=children.ENVIRONMENT,
        )  # fmt: skip
        while process.poll() is None and not (output.is_dir() and any(output.iterdir())):
            time.sleep(0.05)
        time.sleep(chance.uniform(0, 0.5))
        process.send_signal(chance.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)))
        started = time.monotonic()
        try:
            process.communicate(timeout=20)  # until no process holds the pipe
        except subprocess.TimeoutExpired:
            wrong.append(f"{number}: a worker is still there after 20 s")
        slowest = max(slowest, time.monotonic() - started)
    return Outcome(count, wrong, f"the last worker ended within {slowest:.1f} s")


def threads(folder: Path, count: int, chance: random.Random) -> Outcome:
    """Tag documents of new words with one model in 8 threads: the same as in one."""
    import tagger as library

    texts = [
        [[chance.choice(("Mira", "Quito", "met", f"w{chance.randrange(10**6)}")) for _ in range(9)]]
        for _ in range(count)
    ]
    with library.load(GOLDEN, precision="float32") as model:
        expected = [model.tag_tokens(text) for text in texts]
    found: list[Any] = [None] * count
    with library.load(GOLDEN, precision="float32") as model:

        def work(first: int) -> None:
            for number in range(first, count, 8):
                try:
                    found[number] = model.tag_tokens(texts[number])
                except Exception as error:
                    found[number] = repr(error)

        workers = [threading.Thread(target=work, args=(first,)) for first in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    wrong = [
        f"document {number}: {str(one)[:200]}"
        for number, (one, other) in enumerate(zip(found, expected, strict=True))
        if one != other
    ]
    return Outcome(count, wrong)


LIMITED = """\
import resource, sys
from tagger.cli.main import main
resource.setrlimit(getattr(resource, sys.argv[1]), (int(sys.argv[2]),) * 2)
sys.argv = ["tagger", *sys.argv[3:]]
main()
"""


def limits(folder: Path, count: int, chance: random.Random) -> Outcome:
    """Run commands with little memory, few files and small files: an end, without a traceback."""
    config, wrong = folder / "config.toml", []
    config.write_text(SETTINGS.format(root=ROOT))
    article = ROOT / "data" / "sample" / "article.txt"
    for number in range(count):
        kind, limit = chance.choice((
            ("RLIMIT_AS", chance.randrange(100, 2600) * 10**6),
            ("RLIMIT_NOFILE", chance.randrange(8, 48)),
            ("RLIMIT_FSIZE", chance.randrange(0, 2000)),
        ))  # fmt: skip
        command = chance.choice((
            ["info", str(GOLDEN)],
            ["predict", str(GOLDEN), str(article), "--output", str(folder / f"out-{number}")],
            *([["train", str(config), str(folder / f"run-{number}")]] * (kind == "RLIMIT_AS")),
        ))  # fmt: skip
        ended = measured(
            [sys.executable, "-c", LIMITED, kind, str(limit), *command], folder / "errors", 120
        )
        if ended.status not in (0, 1) or "Traceback" in ended.errors:
            last = ended.errors.strip().splitlines()[-1:]
            wrong.append(f"{command[0]} with {kind} {limit}: status {ended.status}, {last}"[:300])
    return Outcome(count, wrong)


CHECKS: dict[str, tuple[Callable[[Path, int, random.Random], Outcome], int, int]] = {
    "hostile files": (hostile_files, 1000, 4),
    "mutated models": (fuzzed_bundles, 5000, 60),
    "mutated files of other readers": (fuzzed_readers, 5000, 300),
    "models whose writer is killed": (killed_saves, 150, 10),
    "trainings that are killed": (killed_trainings, 20, 0),
    "Ctrl-C while a training starts": (interrupted_imports, 20, 0),
    "workers whose parent is killed": (orphans, 9, 0),
    "documents in 8 threads": (threads, 3200, 200),
    "commands with little memory, few or small files": (limits, 40, 0),
}
"""The checks by name, each with its number of attempts, and that of the quick form."""
