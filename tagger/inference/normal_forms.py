"""Normal forms of predicted spans, such as 1999-05-03 for "3 May 1999".

A sequence-to-sequence model per label rewrites the surfaces of its spans. Sentences are normalized
many at once, and a surface that occurs again soon is not predicted again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.errors import TaggerError, did_you_mean
from tagger.text.spans import Sentence, Span

if TYPE_CHECKING:
    from tagger.seq2seq.model import Seq2SeqModel

__all__ = ["Normalizer", "check_labels"]

_AT_ONCE = 256  # sentences
_MOST_KNOWN = 100_000  # surfaces per label whose normal forms are kept


@dataclass(frozen=True)
class _Model:
    """The model of a label, and the normal forms that it has predicted so far."""

    model: Seq2SeqModel
    known: dict[str, str | None]

    def learn(self, surfaces: Iterable[str]) -> None:
        """Predict the normal forms of surfaces that are not known."""
        wanted = list(dict.fromkeys(surfaces))
        new = [text for text in wanted if text not in self.known]
        if len(self.known) + len(new) > _MOST_KNOWN:
            self.known.clear()
            new = wanted
        for text, predictions in zip(new, self.model.predict(new), strict=True):
            # A target of the maximum length may have been cut.
            best = next((one.text for one in predictions if not one.at_limit), None)
            self.known[text] = best


class Normalizer:
    """Adds normal forms to the spans of some labels.

    It can be sent to another process, which opens the models again.

    Args:
        runs: The folder of a sequence-to-sequence model for each label. It must not read further
            features.

    Raises:
        BundleError: A folder is not such a model.
        TaggerError: A model reads further features, which spans do not have.
    """

    def __init__(self, runs: Mapping[str, str | Path]) -> None:
        from tagger.seq2seq.model import load  # needless for most taggers, and slows their start

        self.runs = {label: str(run) for label, run in runs.items()}
        self._models: dict[str, _Model] = {}
        for label, run in self.runs.items():
            model = load(run)
            if names := model.bundle.config.data.feature_names:
                raise TaggerError(
                    f"{run}: cannot normalize spans: it reads the features {', '.join(names)}, "
                    "which spans do not have; train it without data.features"
                )
            self._models[label] = _Model(model, {})

    def __reduce__(self) -> tuple[Any, ...]:
        return Normalizer, (self.runs,)

    def normalized(self, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        """Add normal forms to the spans of sentences.

        Args:
            sentences: Predicted sentences, consumed lazily.

        Yields:
            The sentences. Spans of other labels are unchanged, and so are those whose predicted
            normal form reaches the maximum length, 2 T + 10 symbols for a surface of T.
        """
        rest = iter(sentences)
        while group := list(islice(rest, _AT_ONCE)):
            for label, model in self._models.items():
                model.learn(
                    surface_of(span, sentence)
                    for sentence in group
                    for span in sentence.spans or ()
                    if span.label == label
                )
            yield from map(self._with_forms, group)

    def _with_forms(self, sentence: Sentence) -> Sentence:
        """Return a sentence whose spans have their normal forms."""
        if not any(span.label in self._models for span in sentence.spans or ()):
            return sentence
        return replace(
            sentence, spans=tuple(self._with_form(span, sentence) for span in sentence.spans or ())
        )

    def _with_form(self, span: Span, sentence: Sentence) -> Span:
        """Return a span with its normal form."""
        model = self._models.get(span.label)
        form = None if model is None else model.known[surface_of(span, sentence)]
        return span if form is None else replace(span, normalized=form)


def surface_of(span: Span, sentence: Sentence) -> str:
    """Return the text of a span; of tokens without a text, joined by blanks."""
    return span.text or " ".join(sentence.tokens[span.start : span.end])


def check_labels(runs: Mapping[str, object], labels: Iterable[str]) -> None:
    """Check that a tagger predicts the labels that are to be normalized.

    Args:
        runs: Anything by label.
        labels: Labels of the tagger.

    Raises:
        TaggerError: A label is unknown; the message names the most similar one.
    """
    known = list(labels)
    for label in runs:
        if label not in known:
            raise TaggerError(
                f"the model does not predict the label {label}, which is to be normalized; "
                f"{did_you_mean(label, known)}"
            )
