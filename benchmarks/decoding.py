"""Speed of the decoder: `python -m benchmarks.decoding [--length 15] [--runs 9]`.

Prints sentences a second (the median of several runs) of `viterbi` and `marginals`, and how many
times as fast `viterbi` is as a plain batched Viterbi, which looks at all K² transitions at every
step. All sentences have the same length, which suits the plain one; `mixed/s` is `viterbi` on the
mixed lengths of a corpus. `real` stands for a CRF. For figures that can be compared, set
OMP_NUM_THREADS=1 and pin to one core.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import numpy as np

from tagger.decoding import Floats, Integers, Transitions, marginals, viterbi

Decoder = Callable[[Floats, Integers, Transitions], Floats | Integers]


def dense_viterbi(emissions: Floats, lengths: Integers, transitions: Transitions) -> Integers:
    """The textbook's recursion over (B, K, K), padding decoded as if it were text: what one writes
    first.
    """
    batch, time_steps, _ = emissions.shape
    best = transitions.start + emissions[:, 0]
    pointers = []
    for t in range(1, time_steps):
        scores = best[:, :, None] + transitions.transitions
        pointers.append(scores.argmax(axis=1))
        best = scores.max(axis=1) + emissions[:, t]
    path = [(best + transitions.end).argmax(axis=1)]
    for pointer in reversed(pointers):
        path.append(pointer[np.arange(batch), path[-1]])
    return np.stack(path[::-1], axis=1)


DECODERS: tuple[Decoder, ...] = (viterbi, marginals, dense_viterbi)


def iobes(labels: int) -> Transitions:
    """O and B-, I-, E-, S- of every label, and what IOBES allows between them."""
    prefix = np.array(list("O" + "BIES" * labels))
    label = np.repeat(np.arange(labels + 1), [1] + [4] * labels)
    opens, closes = np.isin(prefix, ["B", "I"]), np.isin(prefix, ["O", "B", "S"])
    within = ~closes & (label[:, None] == label)
    return Transitions.constrained(closes, np.where(opens[:, None], within, closes), ~opens)


def real(like: Transitions) -> Transitions:
    """Random scores for as many tags."""
    tags = len(like.start)
    generator = np.random.default_rng(1)
    scores: list[Floats] = [generator.normal(size=shape) for shape in (tags, (tags, tags), tags)]
    return Transitions(*scores)


def sentences_per_second(
    decode: Decoder, emissions: Floats, lengths: Integers, transitions: Transitions, runs: int
) -> float:
    """The median of `runs` runs, after one that is not counted."""
    seconds = []
    for _ in range(runs + 1):
        begin = time.perf_counter()
        decode(emissions, lengths, transitions)
        seconds.append(time.perf_counter() - begin)
    return len(lengths) / statistics.median(seconds[1:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--length", type=int, default=15, help="tokens in a sentence")
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    row = "{:<12}{:>7}{:>6}{:>7}{:>12}{:>12}{:>13}{:>12}{:>7}"
    speeds_of = ("mixed/s", "viterbi/s", "marginals/s", "dense/s")
    print(row.format("scores", "labels", "tags", "batch", *speeds_of, "ratio"))
    for labels, batch in itertools.product((1, 4, 18, 25), (32, 256, 2048)):
        for kind, transitions in (("IOBES", iobes(labels)), ("real", real(iobes(labels)))):
            tags = len(transitions.start)
            generator = np.random.default_rng(0)
            mixed = 1 + generator.gamma(1.5, (options.length - 1) / 1.5, size=batch).astype(
                np.int64
            )
            emissions = generator.normal(
                size=(batch, max(mixed.max(), options.length), tags)
            ).astype(np.float32)
            runs = (
                (viterbi, emissions, mixed),
                *(
                    (f, emissions[:, : options.length], np.full(batch, options.length))
                    for f in DECODERS
                ),
            )
            speeds = [sentences_per_second(*run, transitions, options.runs) for run in runs]
            figures = (f"{speed:,.0f}" for speed in speeds)
            print(
                row.format(kind, labels, tags, batch, *figures, f"{speeds[1] / speeds[3]:.1f}"),
                flush=True,
            )


if __name__ == "__main__":
    main()
