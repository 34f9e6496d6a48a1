"""Scoring of a tagger in training on the dev set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tagger.evaluation.scores import span_f1
from tagger.features.encode import WordEncoder
from tagger.features.token_states import TokenStates
from tagger.inference.decoder import Decoder
from tagger.inference.member import emissions_in_batches
from tagger.text.spans import Sentence
from tagger.training.callbacks import divergence_error

__all__ = ["dev_score"]


def dev_score(
    model: Any,
    sentences: Sequence[Sentence],
    word_encoder: WordEncoder,
    decoder: Decoder,
    contexts: TokenStates | None = None,
) -> dict[str, float]:
    """Return the span F1, precision and recall of a tagger, or its accuracy for plain tags.

    Tags are decoded under the constraints of the tagging scheme.

    Args:
        model: Keras network of a tagger.
        sentences: Annotated sentences.
        word_encoder: Encoder of their tokens.
        decoder: Decoder of the model's tags; its transition scores are replaced by the model's.
        contexts: Language-model states per sentence, if the model uses any.

    Returns:
        Percentages: ``dev_score`` (F1 or accuracy), and for spans ``dev_precision`` and
        ``dev_recall``.

    Raises:
        TaggerError: Emissions are infinite or NaN.
    """
    predicted: list[Any] = [()] * len(sentences)
    decoder = Decoder(decoder.tags, plain_tags=decoder.plain_tags, scores=model.head.scores())
    batches = emissions_in_batches(
        [sentence.tokens for sentence in sentences],
        word_encoder,
        model.emissions,
        len(decoder.tags),
        contexts,
    )
    for indices, lengths, emissions in batches:
        # The last step of an epoch may diverge without any loss having shown it.
        if not np.all(emissions < np.inf):
            raise divergence_error("the network's scores of dev sentences became infinite or NaN")
        for index, path, length in zip(
            indices, decoder.paths(emissions, lengths), lengths, strict=True
        ):
            predicted[index] = path[:length]
    if decoder.plain_tags:
        pairs = [
            tag == decoder.tags[number]
            for sentence, path in zip(sentences, predicted, strict=True)
            for tag, number in zip(sentence.tags or (), path, strict=True)
        ]
        return {"dev_score": 100 * float(np.mean(pairs)) if pairs else 0.0}
    gold = [sentence.spans or () for sentence in sentences]
    precision, recall, f1 = span_f1(gold, [tuple(decoder.spans_of(path)) for path in predicted])
    return {"dev_score": 100 * f1, "dev_precision": 100 * precision, "dev_recall": 100 * recall}
