"""The memory that a large vocabulary costs: a million tokens must work, as one-hot vectors and
embedded.

    python benchmarks/vocabulary.py --size 1000000

Each line is measured in a process of its own: the vocabulary, the untrained network, and the
network after a training step of Adam, which keeps two more copies of every weight. For comparison
it says what one batch of one-hot vectors would take if they were written down.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys

BATCH, TIME = 32, 50
STAGES = ("imports", "vocabulary", "network", "network and a step")


def measure(kind: str, stage: str, size: int) -> None:
    """Print this process' peak memory in MB after reaching a stage."""
    from tagger.training.build import (
        SequenceTagger,
        architecture,
    )  # the imports are the first stage

    if stage != "imports":
        from tagger.features.vocabulary import Vocabulary

        vocabulary = Vocabulary.build([f"word{number}"] for number in range(size - 2))
        assert len(vocabulary) == size
    if stage.startswith("network"):
        import numpy as np

        from tagger.config.tagger import ModelConfig
        from tagger.features.encode import WordFeatures
        from tagger.features.inputs.words import WordsInput
        from tagger.inference.decoder import Decoder
        from tagger.training.optimizers import RowAdam

        settings = ModelConfig(input=kind, cell="rnn", bidirectional=False)
        features = WordFeatures.of(WordsInput(vocabulary))
        decoder = Decoder([f"T{number}" for number in range(17)], plain_tags=True)
        model = SequenceTagger.create(architecture(settings, features, decoder))
        if stage != "network":
            ids = np.random.default_rng(1).integers(1, size, (BATCH, TIME)).astype("int32")
            words, tokens = np.unique(np.append(ids, 0).astype("int32"), return_inverse=True)
            inputs = {"tokens": tokens[:-1].reshape(ids.shape).astype("int32"), "words": words}
            model.compile(optimizer=RowAdam(0.001), jit_compile=False)
            model.train_on_batch(inputs, ids % 17)
    print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(*options.measure, options.size)
        return
    print(f"{options.size:,} tokens, RNN of 100 units, embedding of 100; peak memory in MB")
    print("| input | " + " | ".join(STAGES) + " |\n|---" + "|---:" * len(STAGES) + "|")
    for kind in ("one-hot", "embedding"):
        command = [sys.executable, __file__, "--size", str(options.size), "--measure", kind]
        outputs = [
            subprocess.run([*command, stage], capture_output=True, text=True, check=True).stdout
            for stage in STAGES
        ]
        print(
            f"| {kind} | " + " | ".join(output.split()[-1] for output in outputs) + " |", flush=True
        )
    dense = BATCH * TIME * options.size * 4 / 2**20
    print(
        f"\nOne batch of {BATCH} x {TIME} one-hot vectors, written down: {dense:,.0f} MB. It "
        "never is."
    )


if __name__ == "__main__":
    main()
