"""A worker of PyTorch: language models of characters read a CoNLL file, and their states at its
tokens are kept.

Well written: sentences sorted by length, batches of 32, `nn.LSTM` on padded input without packing,
which would cost more. One model after the other, each on all threads.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import peer_columns
import rounds
import torch
from torch import Tensor, nn

BORDER = "\n"


class LanguageModel(nn.Module):
    """A model as `language_models.py` writes it: PyTorch's arrays by name, ``characters`` as JSON,
    ``backward``.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        with np.load(path) as arrays:
            self.backward = bool(arrays["backward"])
            self.characters: list[str] = json.loads(arrays["characters"].tobytes())
            self.arrays = {
                name: torch.from_numpy(arrays[name])
                for name in arrays.files
                if name.startswith(("encoder", "rnn"))
            }
        self.ids = {character: number for number, character in enumerate(self.characters)}
        self.layers = sum(name.startswith("rnn.weight_hh_l") for name in self.arrays)
        self.units, self.embedding = (
            self.arrays["rnn.weight_hh_l0"].shape[1],
            self.arrays["encoder.weight"].shape[1],
        )
        self.encoder = nn.Embedding(len(self.characters), self.embedding)
        self.rnn = nn.LSTM(self.embedding, self.units, self.layers)
        self.load_state_dict(self.arrays)

    def encode(self, text: str) -> list[int]:
        return [
            self.ids.get(character, 0) for character in (reversed(text) if self.backward else text)
        ]

    def places(self, tokens: list[str]) -> np.ndarray:
        """The timestep, counted from the border, after which each token has been read."""
        lengths = np.array(list(map(len, tokens)))
        ends = np.cumsum(lengths + 1) - 1
        return ends[-1] - (ends - lengths) if self.backward else ends


def states(model: LanguageModel, sentences: list[list[str]], batch: int = 32) -> list[Tensor]:
    """The states (n, U) at the tokens of each sentence."""
    texts = [" ".join(tokens) for tokens in sentences]
    found = [torch.empty(0)] * len(texts)
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    for first in range(0, len(order), batch):
        rows = order[first : first + batch]
        ids = np.full((1 + len(texts[rows[-1]]), len(rows)), model.ids[BORDER])
        for column, row in enumerate(rows):
            ids[1 : 1 + len(texts[row]), column] = model.encode(texts[row])
        activations, _ = model.rnn(model.encoder(torch.from_numpy(ids)))
        for column, row in enumerate(rows):
            found[row] = activations[model.places(sentences[row]), column]
    return found


def states_of_all(models: list[LanguageModel], source: str) -> list[Tensor]:
    """The models' states side by side."""
    sentences = [tokens for _, tokens in peer_columns.sentences(source)]
    with torch.inference_mode():
        return [
            torch.cat(parts, 1)
            for parts in zip(*(states(model, sentences) for model in models), strict=True)
        ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    models = [LanguageModel(path).eval() for path in options.models]
    rounds.serve(lambda: lambda: sum(map(len, states_of_all(models, options.source))))


if __name__ == "__main__":
    main()
