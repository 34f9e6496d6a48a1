"""A worker of PyTorch: a tagger of the same shape as ours, CoNLL file in, CoNLL file out.
Untrained: values cost no time.

Well written, and to PyTorch's advantage where it was a choice: sentences sorted by length, distinct
words encoded once a batch, `nn.LSTM` on padded batches without packing, which would cost more;
scores are decoded by an argmax alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import peer_columns
import rounds
import torch
from torch import Tensor, nn

VECTORS, CHARACTERS, SHAPE, EMBEDDED = 150, 50, 10, 30
TAGS = 17


class Tagger(nn.Module):
    """Of a word a frozen vector, a convolution over its characters, and its shape; then LSTMs and
    scores.
    """

    def __init__(
        self, layers: int = 1, units: int = 200, characters: int = 256, tags: int = TAGS
    ) -> None:
        super().__init__()
        self.characters = nn.Embedding(characters, EMBEDDED, padding_idx=0)
        self.convolution = nn.Conv1d(EMBEDDED, CHARACTERS, 3, padding=1)
        self.shapes = nn.Embedding(16, SHAPE)
        self.input_drop, self.drop = nn.Dropout(0.3), nn.Dropout(0.5)
        features = VECTORS + CHARACTERS + SHAPE
        between = {"dropout": 0.5} if layers > 1 else {}
        self.lstm = nn.LSTM(
            features, units, layers, bidirectional=True, batch_first=True, **between
        )
        self.scores = nn.Linear(2 * units, tags)

    def forward(
        self, vectors: Tensor, characters: Tensor, shapes: Tensor, tokens: Tensor
    ) -> Tensor:
        read = torch.relu(
            self.convolution(self.input_drop(self.characters(characters)).transpose(1, 2))
        ).amax(2)
        words = torch.cat([vectors, read, self.shapes(shapes)], 1)
        return self.scores(self.drop(self.lstm(self.input_drop(words[tokens]))[0]))


def shape_of(word: str) -> int:
    return word.isupper() + 2 * word.istitle() + 4 * word.isdigit() + 8 * word.islower()


def batches(sentences: list[list[str]], budget: int) -> Iterator[list[int]]:
    """Numbers of sentences of similar length, with so many padded tokens together."""
    batch: list[int] = []
    for number in sorted(range(len(sentences)), key=lambda number: len(sentences[number])):
        if batch and len(sentences[number]) * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def encoded(sentences: list[list[str]], known: dict[str, int]) -> tuple[Tensor, ...]:
    """Distinct words, their characters and shapes, and the padded tokens (B, T) as places among
    them.
    """
    places: dict[str, int] = {}
    tokens = np.zeros((len(sentences), max(map(len, sentences))), dtype=np.int64)
    for row, sentence in enumerate(sentences):
        tokens[row, : len(sentence)] = [places.setdefault(word, len(places)) for word in sentence]
    characters = np.zeros((len(places), max(map(len, places))), dtype=np.int64)
    for row, word in enumerate(places):
        characters[row, : len(word)] = np.minimum(list(map(ord, word)), 255)
    words = np.array([known.get(word.lower(), 0) for word in places])
    return tuple(
        map(torch.from_numpy, (words, characters, np.array(list(map(shape_of, places))), tokens))
    )


def tag(
    model: Tagger, table: Tensor, known: dict[str, int], source: str, target: str, budget: int
) -> int:
    lines, sentences = map(list, zip(*peer_columns.sentences(source), strict=True))
    names = np.array([f"T{number}" for number in range(TAGS)], dtype=object)
    tags: list[list[str]] = [[]] * len(sentences)
    with torch.inference_mode():
        for batch in batches(sentences, budget):
            words, *others = encoded([sentences[number] for number in batch], known)
            best = model(table[words], *others).argmax(2).numpy()
            for number, row in zip(batch, best, strict=True):
                tags[number] = names[row[: len(sentences[number])]].tolist()
    return peer_columns.write(zip(lines, tags, strict=True), target)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--units", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--budget", type=int, default=4096)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    words = {
        word.lower() for _, tokens in peer_columns.sentences(options.source) for word in tokens
    }
    known = {word: number for number, word in enumerate(sorted(words), 1)}
    model, table = (
        Tagger(options.layers, options.units).eval(),
        torch.randn(len(known) + 1, VECTORS),
    )
    rounds.serve(
        lambda: lambda: tag(model, table, known, options.source, options.target, options.budget)
    )


if __name__ == "__main__":
    main()
