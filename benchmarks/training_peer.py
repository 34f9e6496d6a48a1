"""A training step of ours (Keras on TensorFlow) beside PyTorch's `nn.LSTM` of the same shape, in
one run.

    python benchmarks/training_peer.py [--rounds 7] [--cores 2]

Both train the same network (frozen vectors of 150, characters, shapes; 200 units, one layer and
two) on the same batches of a real corpus, with Adam, dropout and clipping, in float32, on the same
cores. A round is a pass over the batches, which are in memory; the first, which compiles, is not
counted. Of both, freed memory is kept (training/hardware.py), which PyTorch by itself does not do.
Ours pads the first batch of an epoch a little more.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import peers
import rounds

VECTORS = 150
INPUTS = ("words", "vectors", "characters", "shapes", "tokens")


def write_batches(path: Path, tokens: int) -> None:
    """The first batches of an epoch over the corpus, about so many tokens."""
    from tagger.config.tagger import Config
    from tagger.features.encode import WordFeatures
    from tagger.features.inputs.characters import CharactersInput
    from tagger.features.inputs.shapes import ShapesInput
    from tagger.features.inputs.words import WordsInput
    from tagger.features.vocabulary import Vocabulary
    from tagger.text import annotation, schemes
    from tagger.training.inputs.batches import Batches

    corpus = annotation.read(str(rounds.corpus("train")), Config().data.reading)
    sentences = corpus.sentences[: 4 * tokens // 10]
    words = Vocabulary.build(sentence.tokens for sentence in sentences)
    features = WordFeatures.of(
        WordsInput(words), CharactersInput(Vocabulary.build(words.words)), ShapesInput()
    )
    tags = schemes.tag_set(
        (span.label for sentence in sentences for span in sentence.spans or ()),
        schemes.TRAINING_SCHEME,
    )
    table = np.random.default_rng(1).normal(0, 0.3, (len(words), VECTORS)).astype(np.float32)
    sizes = [len(words), len(Vocabulary.build(words.words)), len(tags)]
    arrays, have = {"sizes": np.array(sizes)}, 0
    for number, (inputs, targets) in enumerate(Batches(sentences, features, tags, Config())):
        named = {**inputs, "vectors": table[inputs["words"]], "tags": targets}
        arrays |= {f"{name}{number}": array for name, array in named.items()}
        if (have := have + int((inputs["tokens"] != 0).sum())) >= tokens:
            break
    np.savez(path, **arrays)


def serve_ours(path: Path, layers: int) -> None:
    """Be the worker of ours."""
    import keras

    from tagger.config.tagger import TrainingConfig
    from tagger.networks.sequence_tagger import Architecture, SequenceTagger
    from tagger.training.hardware import keep_freed_memory, set_thread_counts
    from tagger.training.optimizers import compile_model

    keep_freed_memory()
    set_thread_counts(2)
    with np.load(path) as arrays:
        words, characters, tags = map(int, arrays["sizes"])
        count = sum(name.startswith("tokens") for name in arrays)
        found = [
            ({name: arrays[f"{name}{n}"] for name in INPUTS}, arrays[f"tags{n}"])
            for n in range(count)
        ]

    class Data(keras.utils.PyDataset):
        def __len__(self) -> int:
            return len(found)

        def __getitem__(self, number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
            return found[number]

    model = SequenceTagger.create(
        Architecture(
            words,
            tags,
            inputs={
                "vectors": {"dimension": VECTORS, "vocabulary_size": words, "fine_tune": False},
                "characters": {
                    "vocabulary_size": characters,
                    "units": 50,
                    "encoder": "cnn",
                    "cell": "lstm",
                    "dropout": 0.3,
                },
                "shapes": {"dimension": 10},
            },
            units=200,
            layers=layers,
            input_dropout=0.3,
            dropout=0.5,
        )
    )
    compile_model(model, TrainingConfig(learning_rate=0.001), len(found))
    tokens = sum(int((inputs["tokens"] != 0).sum()) for inputs, _ in found)

    def epoch() -> int:
        model.fit(Data(), verbose=0, shuffle=False)
        return tokens

    rounds.serve(lambda: epoch)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=20_000, help="of a round")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_ours(Path(options.serve[0]), int(options.serve[1]))
        return
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    with tempfile.TemporaryDirectory() as folder:
        batches = Path(folder) / "batches.npz"
        write_batches(batches, options.tokens)
        for layers in (1, 2):
            commands: dict[str, list[str | Path]] = {
                "ours": [sys.executable, __file__, "--serve", batches, str(layers)]
            }
            if peer := peers.command(
                "torch", "peer_torch_training.py", batches, "--layers", layers
            ):
                commands["PyTorch"] = peer
            print(
                f"\n{layers} x 200 units, {options.tokens:,} tokens of "
                f"{rounds.corpus('train').parent.name}"
            )
            print(
                rounds.speed_table(rounds.compare(commands, options.rounds), "PyTorch"), flush=True
            )


if __name__ == "__main__":
    main()
