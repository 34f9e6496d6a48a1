"""A worker of PyTorch that trains the tagger of peer_torch.py on the batches in a file: `nn.LSTM`,
padded, fused Adam.
"""

from __future__ import annotations

import argparse
import os

import numpy as np
import rounds
import torch
from peer_torch import Tagger
from torch import nn

IGNORED = -100


def load(path: str) -> list[list[torch.Tensor]]:
    """The batches: vectors, characters and shapes of the distinct words, tokens, tags; padding has
    no tag.
    """
    with np.load(path) as arrays:
        count = sum(name.startswith("tokens") for name in arrays)
        batches = []
        for number in range(count):
            vectors, *numbers = (
                arrays[f"{name}{number}"]
                for name in ("vectors", "characters", "shapes", "tokens", "tags")
            )
            tensors = [torch.from_numpy(array.astype(np.int64)) for array in numbers]
            tensors[3][tensors[2] == 0] = IGNORED
            batches.append([torch.from_numpy(vectors), *tensors])
    return batches


def epoch(
    model: Tagger, optimizer: torch.optim.Optimizer, batches: list[list[torch.Tensor]]
) -> int:
    """A step for each batch; the number of tokens."""
    tokens = 0
    model.train()
    for *inputs, tags in batches:
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(
            model(*inputs).flatten(0, 1), tags.flatten(), ignore_index=IGNORED
        )
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        tokens += int((tags != IGNORED).sum())
    return tokens


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("batches")
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--units", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(1)
    batches = load(options.batches)
    model = Tagger(options.layers, options.units)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
    rounds.serve(lambda: lambda: epoch(model, optimizer, batches))


if __name__ == "__main__":
    main()
