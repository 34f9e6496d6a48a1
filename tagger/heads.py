"""The table of output heads, one row per head, shared by all other parts of the package.

A head maps the encoder's activations to emissions, the scores of the tags at each token. A new head
is a row here and a layer in `networks.sequence_tagger.HEAD_LAYERS`.

Axes: K tags.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["HEADS", "HeadSpec"]


@dataclass(frozen=True)
class HeadSpec:
    """The properties of an output head.

    Attributes:
        description: Text of the head on the model card; empty for the default softmax.
        transitions: Axes of the learned transition scores by weight name, such as "KK" for (K, K):
            the scores of the first tag, of pairs of neighboring tags and of the last tag, in this
            order, which the decoder adds to the emissions. Empty if tokens are scored
            independently.
        is_normalized: Whether emissions are log-probabilities, the log-softmax of the logits;
            otherwise they are the logits.
        learns_distributions: Whether the loss accepts soft labels, distributions over the tags.
    """

    description: str = ""
    transitions: dict[str, str] = field(default_factory=dict)
    is_normalized: bool = True
    learns_distributions: bool = False

    def shapes(self, tags: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the weights in `transitions`.

        Args:
            tags: Number of tags, K.

        Returns:
            Shapes by weight name, such as (K,) and (K, K).
        """
        return {name: (tags,) * len(axes) for name, axes in self.transitions.items()}


HEADS: dict[str, HeadSpec] = {
    "softmax": HeadSpec(learns_distributions=True),
    "crf": HeadSpec(
        description="a conditional random field",
        transitions={"start": "K", "transitions": "KK", "end": "K"},
        is_normalized=False,
    ),
}
