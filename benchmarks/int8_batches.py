"""How far int8 probabilities depend on the batch, with dev F1 and speed.

python benchmarks/int8_batches.py RUN FILE [OTHER]

RUN is a tagger and FILE annotated text. OTHER is the same tagger with graphs of another version.
Prints the largest difference of a tag probability between a sentence alone and among 500, F1, and
tokens per second of the network alone; all variants run in every round.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from statistics import median

import numpy as np

from tagger.bundles import tagger_files as bundles
from tagger.bundles.tagger import Bundle
from tagger.evaluation.scores import span_f1
from tagger.inference.member import EnsembleMember, batches_of
from tagger.inference.network import OnnxTagger
from tagger.inference.predictor import Predictor
from tagger.text import annotation

ROUNDS = 5


def largest_difference(member: EnsembleMember, sentences: list[tuple[str, ...]]) -> float:
    """The largest difference of a probability between two ways of forming batches."""
    results = []
    for groups in ([sentences], [[one] for one in sentences]):
        rows: list[np.ndarray] = []
        for group in groups:
            own = [np.empty(0)] * len(group)
            for indices, lengths, emissions in member.batches(group):
                probabilities = member.decoder.marginals(emissions, lengths)
                for index, length, each in zip(indices, lengths, probabilities, strict=True):
                    own[index] = each[:length]
            rows += own
        results.append(rows)
    return max(float(np.abs(a - b).max()) for a, b in zip(*results, strict=True) if len(a))


def seconds(member: EnsembleMember, sentences: list[tuple[str, ...]]) -> float:
    """The duration of the network alone, with its words encoded before."""
    encoded = member.encode(sentences)
    started = time.perf_counter()
    for batch in batches_of(sentences, len(member.bundle.tags)):
        member.emissions(batch, encoded)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run")
    parser.add_argument("file")
    parser.add_argument("other", nargs="?")
    options = parser.parse_args()
    bundle = bundles.load(options.run)
    variants: dict[str, tuple[Bundle, str]] = {
        "float32": (bundle, "float32"),
        "int8": (bundle, "int8"),
    }
    if options.other:
        other = bundles.load(options.other)
        variants["int8, other"] = (replace(bundle, graphs=other.graphs), "int8")
    data = bundle.config.data
    gold = annotation.read(options.file, data.reading, data.scheme).sentences
    tokens = [sentence.tokens for sentence in gold]
    members = {name: EnsembleMember(one, OnnxTagger(one, p)) for name, (one, p) in variants.items()}
    times: dict[str, list[float]] = {name: [] for name in members}
    for _ in range(ROUNDS):
        for name, member in members.items():
            times[name].append(seconds(member, tokens))
    count = sum(map(len, tokens))
    print("| variant | largest difference | F1 | tokens per second |\n|---|---:|---:|---:|")
    for name, member in members.items():
        difference = largest_difference(member, tokens[:500])
        with Predictor(member) as model:
            found = model.predict(gold, scores=False, decode="best-sequence")
            columns = ((one.spans or () for one in column) for column in (gold, found))
            f1 = 100 * span_f1(*columns)[2]
        print(f"| {name} | {difference:.2g} | {f1:.2f} | {count / median(times[name]):,.0f} |")


if __name__ == "__main__":
    main()
