"""Reading annotated files as sentences with spans, every tag checked.

Spans in JSON Lines are used unchanged. Tags are converted to the standard notation and decoded to
spans by the declared or detected scheme.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tagger.errors import DataError
from tagger.text import formats, notations, repairing, schemes
from tagger.text.documents import count_documents
from tagger.text.formats import ReadReport
from tagger.text.formats.plain import marked_tokens
from tagger.text.report import shown
from tagger.text.spans import Sentence

__all__ = ["DETECT", "Corpus", "annotate", "read"]

DETECT = "auto"
"""The value of a `scheme` argument that detects the scheme from the tags."""

# Tokens of the first sentence that a summary shows, and labels.
_SHOWN_TOKENS = 16
_SHOWN_LABELS = 30


@dataclass(frozen=True)
class Corpus:
    """The sentences of annotated files or a dataset, and how they were understood.

    Attributes:
        name: Path of the file, or name of the dataset.
        sentences: The sentences, none of them empty. In the scheme ``plain`` they have tags and no
            spans, otherwise spans.
        scheme: Tagging scheme; IOB2 if the file contains spans instead of tags.
        report: Format, layout and notes.
        notation: Description of an unusual notation of the tags; empty for the standard one.
        parts: The corpora of the files, if there are several.
    """

    name: str
    sentences: list[Sentence]
    scheme: str
    report: ReadReport = field(default_factory=ReadReport)
    notation: str = ""
    parts: tuple[Corpus, ...] = ()

    @property
    def tokens(self) -> int:
        """Number of tokens."""
        return sum(map(len, self.sentences))

    def label_counts(self) -> Counter[str]:
        """Count the spans of each label or, for plain tags, the tokens of each tag.

        Returns:
            The counts by label or tag.
        """
        if self.scheme == schemes.PLAIN:
            return Counter(tag for sentence in self.sentences for tag in sentence.tags or ())
        return Counter(span.label for sentence in self.sentences for span in sentence.spans or ())

    def summary(self) -> str:
        """Describe how the corpus was understood, in a few lines for each file.

        Returns:
            Layout, scheme, numbers of sentences, tokens and documents, labels with their counts
            and the tokens of their spans, the first sentence with spans, and what was skipped or
            changed. A span that begins or ends elsewhere changes the number of tokens.
        """
        if self.parts:
            return "\n".join(part.summary() for part in self.parts)
        plain = self.scheme == schemes.PLAIN
        scheme = "plain tags" if plain else f"scheme {self.scheme}"
        notation = f" ({self.notation})" if self.notation else ""
        documents = count_documents(self.sentences)
        counts = self.label_counts().most_common()
        labels = ", ".join(f"{label} {count:,}" for label, count in counts[:_SHOWN_LABELS])
        if len(counts) > _SHOWN_LABELS:
            labels += f" and {len(counts) - _SHOWN_LABELS:,} others"
        if counts and not plain:
            inside = Counter[str]()
            for span in (span for sentence in self.sentences for span in sentence.spans or ()):
                inside[span.label] += span.end - span.start
            sizes = ", ".join(f"{inside[label]:,}" for label, _ in counts[:_SHOWN_LABELS])
            labels += f" (tokens: {sizes})"
        layout = self.report.layout or self.report.format
        lines = [
            f"{self.name}: {f'{layout}, ' if layout else ''}{scheme}{notation}",
            f"{_count(len(self.sentences), 'sentence')}, {_count(self.tokens, 'token')}, "
            f"{_count(documents, 'document')}",
            f"{'tags' if plain else 'labels'}: {labels or 'none'}",
            f"first: {self._first()}",
            *(f"note: {note}" for note in self.report.notes),
        ]
        return "\n  ".join(lines)

    def _first(self) -> str:
        """Return the beginning of the first sentence with spans, or else of the first."""
        first = next((s for s in self.sentences if s.spans), self.sentences[0])
        words = marked_tokens(first)
        return " ".join(words[:_SHOWN_TOKENS]) + " …" * (len(words) > _SHOWN_TOKENS)


def _count(number: int, noun: str) -> str:
    """Return a number and its noun."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def read(
    path: str | Path,
    options: formats.ReadOptions,
    scheme: str = DETECT,
    *,
    predictions: bool = False,
) -> Corpus:
    """Read the sentences of an annotated file; sentences without tokens are skipped.

    Args:
        path: A file of a format with annotations, recognized by its content.
        options: Format, columns, tokenizer and other reading options.
        scheme: Tagging scheme of the file; detected by default.
        predictions: Whether the annotation may be a model's predictions: spans with scores, or
            beside the key "gold". Otherwise they are an error, since a model would be trained or
            scored on what a model predicted.

    Returns:
        The sentences with their spans, and how they were understood.

    Raises:
        DataError: The file is ill-formed, not annotated or without sentences, or no scheme fits.
    """
    name = str(path)
    report = ReadReport(name)
    try:
        found = formats.read(name, options.format, options, report=report)
        sentences, last = [], None
        for last in found:
            if len(last):
                sentences.append(last)
        if last is not None and not len(last) and last.record is not None:
            report.trailing = last.record.leading
        if not predictions:
            _refuse_predictions(sentences, report)
        return annotate(sentences, name, scheme, report, repair=options.repair)
    finally:
        if options.on_issues is not None:
            options.on_issues(report.issues)


def _refuse_predictions(sentences: Sequence[Sentence], report: ReadReport) -> None:
    """Raise DataError if the annotation of some sentences was predicted by a model."""
    for sentence in sentences:
        data = sentence.record.data if sentence.record else None
        has_scores = any(span.score is not None for span in sentence.spans or ())
        if has_scores or (data is not None and "gold" in data):
            report.problem(
                _error(
                    sentence,
                    0,
                    "the spans are predictions, since "
                    + ("they have scores" if has_scores else 'the annotation is under "gold"')
                    + "; expected gold annotation: to score these predictions, use tagger evaluate "
                    "--predictions; to use them as annotation once people have reviewed them, "
                    'tagger convert --reviewed (which removes "score" and "gold")',
                )
            )
    report.finish()


def annotate(
    sentences: Sequence[Sentence],
    name: str,
    scheme: str = DETECT,
    report: ReadReport | None = None,
    *,
    repair: bool = False,
) -> Corpus:
    """Decode the tags of the sentences that have no spans.

    Args:
        sentences: Sentences that each have spans or tags, with all tags in the same scheme.
        name: Name of the corpus, for errors that do not concern a single sentence.
        scheme: Tagging scheme; detected by default.
        report: What the reader noted.
        repair: Whether tags with one sensible reading are repaired; see `text.repairing`.

    Returns:
        All sentences in order, as `read` returns them.

    Raises:
        DataError: There is no sentence, one is not annotated, no scheme fits, a tag violates the
            scheme, or the declared scheme cannot represent the spans. The message says if a repair
            would help.
    """
    report = report or ReadReport(name)
    if not sentences:
        raise DataError(name, None, "contains no sentences; expected at least one")
    for sentence in sentences:
        if sentence.spans is None and sentence.tags is None:
            report.problem(_error(sentence, 0, _not_annotated(sentence)))
    report.finish()
    declared = schemes.ALIASES.get(scheme, scheme)
    try:
        return _decoded(sentences, name, declared, report, repair)
    except DataError as error:
        count = 0 if repair else _repairable(sentences, name, declared)
        if not count:
            raise
        message = (
            f"{error.message}; tagger convert --repair changes {_count(count, 'tag')} and lists "
            "each change"
        )
        raise DataError(error.path, error.line, message, error.details) from error


def _decoded(
    sentences: Sequence[Sentence], name: str, declared: str, report: ReadReport, repair: bool
) -> Corpus:
    """Return the corpus of annotated sentences, whose tags are decoded and perhaps repaired."""
    if repair:
        sentences = repairing.repaired_spelling(sentences, report)
    notation = _notation(sentences, report, "" if declared == DETECT else declared)
    if notation.is_plain:
        found = [_with_plain_tags(sentence, report) for sentence in sentences]
        report.finish()
        return Corpus(name, found, schemes.PLAIN, report, notation.name)
    standard = list(_in_standard_notation(sentences, notation, report))
    report.finish()
    if repair:
        standard, actual = _repaired(standard, name, declared, report)
    else:
        actual = _detect_scheme(standard, name) if declared == DETECT else declared
    found = [_with_spans(sentence, actual, declared != DETECT, report) for sentence in standard]
    report.finish()
    return Corpus(name, found, actual, report, notation.name)


def _repaired(
    sentences: Sequence[Sentence], name: str, declared: str, report: ReadReport
) -> tuple[list[Sentence], str]:
    """Return sentences whose tags follow the scheme, and the scheme."""
    try:
        return repairing.repaired_tags(sentences, "" if declared == DETECT else declared, report)
    except schemes.SchemeError as error:
        raise DataError(name, None, str(error)) from error


def _repairable(sentences: Sequence[Sentence], name: str, declared: str) -> int:
    """Return the number of tags that a repair would change, 0 if it would not help."""
    report = ReadReport(name)
    try:
        _decoded(sentences, name, declared, report, repair=True)
    except DataError:
        return 0
    return sum(issue.action == repairing.REPAIRED for issue in report.issues)


def _not_annotated(sentence: Sentence) -> str:
    """Describe a sentence without spans and tags."""
    data = sentence.record.data if sentence.record else None
    found = f"; found the keys {', '.join(map(repr, data))}" if data else ""
    return f'no annotation; expected "spans" or "tags" beside the tokens{found}'


def _notation(sentences: Sequence[Sentence], report: ReadReport, scheme: str) -> notations.Notation:
    """Return the notation of all tags; an error has the place of the first tag at fault."""
    counts = Counter(tag for s in sentences if s.spans is None for tag in s.tags or ())
    try:
        return notations.detect(counts, scheme)
    except notations.NotationError as error:
        message = f"{error}{report.named_columns}"
        for sentence in sentences:
            if sentence.spans is None and error.tag in (sentence.tags or ()):
                index = (sentence.tags or ()).index(error.tag)
                raise _error(sentence, index, message) from error
        raise AssertionError("the tag is in none of the sentences") from error


def _in_standard_notation(
    sentences: Sequence[Sentence], notation: notations.Notation, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences with their tags in the standard notation."""
    for sentence in sentences:
        if sentence.spans is not None or not notation.name:
            yield sentence
            continue
        try:
            yield replace(sentence, tags=tuple(notation.convert(sentence.tags or ())))
        except schemes.SchemeError as error:
            report.problem(_error(sentence, error.index, str(error)))


def _detect_scheme(sentences: Sequence[Sentence], name: str) -> str:
    """Return the scheme that fits all tags or else nearly all; those of spans are ignored."""
    tags = [sentence.tags or () for sentence in sentences if sentence.spans is None]
    try:
        return schemes.detect(tags)
    except schemes.SchemeError as error:
        if error.scheme:
            return error.scheme
        if error.sequence is not None:
            tagged = [sentence for sentence in sentences if sentence.spans is None]
            raise _error(tagged[error.sequence], error.index, str(error)) from error
        raise DataError(name, None, str(error)) from error


def _with_plain_tags(sentence: Sentence, report: ReadReport) -> Sentence:
    """Return the sentence with its tags and no spans."""
    if sentence.tags is None:
        message = '"spans" among plain tags; expected "tags" beside the tokens of every sentence'
        report.problem(_error(sentence, 0, message))
    return sentence if sentence.spans is None else replace(sentence, spans=None)


def _with_spans(sentence: Sentence, scheme: str, is_declared: bool, report: ReadReport) -> Sentence:
    """Return the sentence with its spans or, if it has none, those that its tags encode."""
    try:
        if sentence.spans is None:
            return sentence.with_spans(schemes.decode(sentence.tags or (), scheme))
        if is_declared:  # IO cannot represent adjacent spans of one label
            schemes.encode(sentence.spans, len(sentence), scheme)
    except schemes.SchemeError as error:
        if sentence.spans is not None:
            report.problem(_error(sentence, error.index, str(error)))
            return sentence
        fix = (
            "correct the tag"
            if is_declared
            else f"the other tags follow {scheme}: correct the tag{_lenient(sentence)}"
        )
        for index, message in schemes.violations(sentence.tags or (), scheme):
            token = shown(sentence.tokens[index], 30)
            report.problem(_error(sentence, index, f"{message} (token {token}); {fix}"))
    return sentence


def _lenient(sentence: Sentence) -> str:
    """Return a hint at IOB1, which allows every sequence of its tags."""
    used = {schemes.split(tag)[0] for tag in sentence.tags or ()} - {""}
    if not used <= set(schemes.PREFIXES["IOB1"]):
        return ""
    return ", or declare --scheme IOB1, in which I- after another label opens a span"


def _error(sentence: Sentence, token: int, message: str) -> DataError:
    """Return an error at the line of a sentence's token."""
    record = sentence.record
    if record is None:
        return DataError("sentence", None, f"{' '.join(sentence.tokens)[:60]!r}: {message}")
    # A CoNLL block has one line per token; a JSON object or a dataset's row is one line.
    return DataError(record.path, record.line_of(token), message)
