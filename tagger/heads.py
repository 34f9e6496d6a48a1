"""The heads as a table: one row per head, which every other part of the package reads.

A head turns the encoder's activations into scores of tags. A new head is a row here and a layer in
`networks.sequence_tagger.HEAD_LAYERS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["HEADS", "HeadSpec"]


@dataclass(frozen=True)
class HeadSpec:
    """The properties of a head.

    Attributes:
        description: What the model card says after the network; empty for the usual softmax.
        transitions: The learned scores of tag sequences by name, with their axes (K stands for the
            tags): those of the first tag, of pairs of neighbors and of the last tag, which the
            decoder adds, in this order; empty for a head that scores each token by itself.
        is_normalized: Whether the scores of a token are log-probabilities, the log-softmax of its
            logits; otherwise they are the logits.
        learns_distributions: Whether the loss takes soft labels, distributions over the tags.
    """

    description: str = ""
    transitions: dict[str, str] = field(default_factory=dict)
    is_normalized: bool = True
    learns_distributions: bool = False

    def shapes(self, tags: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the weights in `transitions` for a number of tags."""
        return {name: (tags,) * len(axes) for name, axes in self.transitions.items()}


HEADS: dict[str, HeadSpec] = {
    "softmax": HeadSpec(learns_distributions=True),
    "crf": HeadSpec(
        description="a conditional random field",
        transitions={"start": "K", "transitions": "KK", "end": "K"},
        is_normalized=False,
    ),
}
