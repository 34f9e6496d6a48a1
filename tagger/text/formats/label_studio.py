"""Tasks of Label Studio: its JSON export and import, and JSON-MIN.

    [{"id": 1, "data": {"text": "Anna sang."}, "annotations": [{"result": [{"from_name": "label",
      "to_name": "text", "type": "labels", "value": {"start": 0, "end": 4, "labels": ["PER"]}}]}]}]
    [{"id": 1, "text": "Anna sang.", "label": [{"start": 0, "end": 4, "labels": ["PER"]}]}]

One annotation per task is read: that of `ReadOptions.annotator`, or the latest that is not
cancelled. Offsets are code points; exports before 2022 count UTF-16 code units, which the texts of
the spans reveal. Predictions are written under ``predictions`` and leave annotations as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from tagger.errors import DataError
from tagger.text.alignment import CharacterSpan, sentences_of
from tagger.text.formats.character_spans import checked_span
from tagger.text.formats.format import Format
from tagger.text.formats.json_documents import Item, looks_like
from tagger.text.formats.json_records import name_of, read_items
from tagger.text.formats.label_studio_tasks import (
    LABELS,
    NAME,
    annotations_of,
    is_region,
    write,
    write_predictions,
)
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence

__all__ = ["FORMAT"]

# Keys of JSON-MIN that describe the annotation.
_ABOUT_ANNOTATION = {
    "annotation_id": "id",
    "annotator": "completed_by",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "lead_time": "lead_time",
}


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the values at the beginning of a file are tasks of Label Studio."""
    return looks_like(lines, lambda value: _is_task(value) or _is_minimal(value))


def _is_task(value: Any) -> bool:
    """Return whether a value is a task of the JSON export or import."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("data"), dict)
        and ("annotations" in value or not {"text", "tokens"} & value.keys())
    )


def _is_minimal(value: Any) -> bool:
    """Return whether a value is a task of JSON-MIN."""
    if not isinstance(value, dict):
        return False
    return "annotation_id" in value or any(map(_is_list_of_regions, value.values()))


def _is_list_of_regions(value: Any) -> bool:
    """Return whether a value of JSON-MIN is a list of labeled regions of a text."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(one, dict) and "start" in one and any(key in one for key in LABELS)
            for one in value
        )
    )


def read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences of the tasks; see `Format.read`."""
    report.layout = "JSON of Label Studio"
    reader = _Reader(path, options, report)
    yield from read_items(lines, path, report, reader.sentences)
    reader.finish()


class _Reader:
    """The state of a reader: the annotators and labeling fields of the file."""

    def __init__(self, path: str, options: ReadOptions, report: ReadReport) -> None:
        """Prepare to read a file."""
        self.path = path
        self.options = options
        self.report = report
        self.annotators: dict[str, None] = {}
        self.fields: dict[str, None] = {}
        self.previous: tuple[Any] | None = None  # id of the previous task of JSON-MIN

    def finish(self) -> None:
        """Raise DataError if the file has nothing of the chosen annotator or field."""
        for kind, option, chosen, found in (
            ("annotation by", "--annotator", self.options.annotator, self.annotators),
            ("labels of the field", "--field", self.options.label_field, self.fields),
        ):
            if self.options.annotated and chosen and chosen not in found:
                names = ", ".join(map(shown, found)) or "none"
                message = f"no {kind} {shown(chosen)}; expected one of {names} with {option}"
                raise DataError(self.path, None, message)

    def sentences(self, item: Item) -> Iterator[Sentence]:
        """Yield the sentences of a task."""
        task = item.value
        if not _is_task(task):
            if not _is_minimal(task):
                if not isinstance(task, dict) or "text" not in task:
                    raise ValueError('expected a task with "data" and "annotations"')
            elif self._is_repeated(task, item.line):
                return
            task = _from_minimal(task)
        if not self.options.annotated:
            yield from self._of_text(task, None, item.line)
            return
        annotation = self._chosen(task, item.line)
        if annotation is not None:
            spans = self._spans(annotation, item.line)
            yield from self._of_text(task | {"annotations": [annotation]}, spans, item.line)
        elif not annotations_of(task) and (prediction := _latest_prediction(task)):
            yield from self._of_text(task, self._spans(prediction, item.line), item.line)
        else:
            self.report.note("tasks without annotation are skipped", item.line)

    def _is_repeated(self, task: dict[str, Any], line: int) -> bool:
        """Return whether a task of JSON-MIN is another annotation of the previous task."""
        by = self.options.annotator
        self.annotators |= dict.fromkeys(_names(task.get("annotator")))
        if by and self.options.annotated and by not in _names(task.get("annotator")):
            self.report.note(f"annotations by others than {by} are skipped", line)
            return True
        previous, self.previous = self.previous, (task.get("id"),)
        is_repeated = previous == self.previous and "id" in task
        if is_repeated:
            self.report.note("of several annotations of a task, the latest is read", line)
        return is_repeated

    def _chosen(self, task: dict[str, Any], line: int) -> dict[str, Any] | None:
        """Return the annotation of a task that is read."""
        found = []
        for one in annotations_of(task):
            if one.get("was_cancelled") or one.get("skipped"):
                self.report.note("cancelled annotations are skipped", line)
                continue
            names = _names(one.get("completed_by"))
            self.annotators |= dict.fromkeys(names)
            if not self.options.annotator or self.options.annotator in names:
                found.append(one)
        if len(found) > 1:
            self.report.note("of several annotations of a task, the latest is read", line)
        return max(found, key=_date, default=None)

    def _spans(self, annotation: dict[str, Any], line: int) -> list[CharacterSpan]:
        """Return the spans of an annotation or prediction."""
        results = annotation.get("result")
        if not isinstance(results, list):
            raise ValueError('"result" of the annotation must be a list')
        spans = []
        for result in results:
            if not is_region(result):
                kind = result.get("type") if isinstance(result, dict) else None
                self.report.note(f"results of the type {shown(str(kind), 30)} are skipped", line)
            elif self._is_chosen_field(str(result.get("from_name", "")), line):
                score = result.get("score", annotation.get("score"))
                spans += self._of_region(result, score if _is_prediction(annotation) else None)
        return spans

    def _is_chosen_field(self, name: str, line: int) -> bool:
        """Return whether the labels of a field are read."""
        self.fields[name] = None
        chosen = self.options.label_field
        if chosen and name != chosen:
            self.report.note("labels of other fields are skipped", line, name)
        elif not chosen and len(self.fields) > 1:
            names = " and ".join(map(shown, self.fields))
            options = " or ".join(f"--field {field}" for field in self.fields)
            message = f"contains labels of the fields {names}; add {options}"
            raise DataError(self.path, line, message)
        return not chosen or name == chosen

    def _of_region(self, result: dict[str, Any], score: Any) -> list[CharacterSpan]:
        """Return a span for each label of a region."""
        value = result["value"]
        where = value.get("globalOffsets", value)
        start, end = (where.get("start"), where.get("end")) if isinstance(where, dict) else (0, 0)
        labels: Any = next((value[key] for key in LABELS if key in value), [])
        if not isinstance(labels, list):
            raise ValueError('"labels" of a region must be a list of strings')
        if not labels:
            self.report.note("regions without a label are skipped")
        return [
            checked_span(value, start, end, label, value.get("text"), score) for label in labels
        ]

    def _of_text(
        self, task: dict[str, Any], spans: list[CharacterSpan] | None, line: int
    ) -> Iterator[Sentence]:
        """Yield the sentences of the text of a task."""
        data = task["data"]
        text = data[_text_key(data, spans or [])]
        if spans is not None:
            spans = [_with_line_feeds(span, text) for span in spans]
        if "document" in data:
            task = task | {"document": data["document"]}
        name = name_of(data) or name_of(task)
        record = Record(self.path, line, data=task, format=NAME, id=name)
        yield from sentences_of(text, spans, record, self.options, self.report)


def _from_minimal(value: dict[str, Any]) -> dict[str, Any]:
    """Return a task of JSON-MIN as one of the JSON export."""
    fields = {key: each for key, each in value.items() if _is_list_of_regions(each)}
    about = {new: value[old] for old, new in _ABOUT_ANNOTATION.items() if old in value}
    data = {
        key: each
        for key, each in value.items()
        if key not in fields and key not in _ABOUT_ANNOTATION and key != "id"
    }
    result = [
        {"from_name": name, "to_name": "text", "type": LABELS[0], "value": region}
        for name, regions in fields.items()
        for region in regions
    ]
    task = {"data": data, "annotations": [about | {"result": result}]}
    return {"id": value["id"], **task} if "id" in value else task


def _latest_prediction(task: dict[str, Any]) -> dict[str, Any] | None:
    """Return the last prediction with probabilities; without, it would look like annotation."""
    predictions = task.get("predictions")
    for one in reversed(predictions if isinstance(predictions, list) else []):
        if not isinstance(one, dict) or not isinstance(results := one.get("result"), list):
            continue
        if "score" in one or all(isinstance(x, dict) and "score" in x for x in results):
            return one
    return None


def _is_prediction(annotation: dict[str, Any]) -> bool:
    """Return whether an annotation is a model's; people may have accepted those with scores."""
    return "model_version" in annotation


def _names(annotator: Any) -> list[str]:
    """Return the names by which an annotator can be chosen: id, email, user name, full name."""
    if not isinstance(annotator, dict):
        return [str(annotator)] if isinstance(annotator, str | int) else []
    full = " ".join(str(annotator.get(key, "")) for key in ("first_name", "last_name")).strip()
    keys = ("id", "email", "username")
    return [str(annotator[key]) for key in keys if key in annotator] + [full] * bool(full)


def _date(annotation: dict[str, Any]) -> str:
    """Return when an annotation was changed, as a string that sorts by time."""
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")


def _text_key(data: dict[str, Any], spans: Sequence[CharacterSpan]) -> str:
    """Return the key of the text in the data of a task."""
    keys = [key for key, value in data.items() if isinstance(value, str)]
    if "text" in keys:
        return "text"
    surfaces = [span.text for span in spans if span.text]
    fitting = [key for key in keys if all(surface in data[key] for surface in surfaces)]
    if len(keys) == 1 or len(fitting) == 1:
        return (keys if len(keys) == 1 else fitting)[0]
    found = ", ".join(map(repr, data)) or "nothing"
    raise ValueError(
        f'expected one text in "data", found {found}; rename the key of the text to "text"'
    )


def _with_line_feeds(span: CharacterSpan, text: str) -> CharacterSpan:
    """Return a span whose text has line feeds where Label Studio writes a backslash and an n."""
    if span.text is None or "\\n" not in span.text or "\\n" in text:
        return span
    return replace(span, text=span.text.replace("\\n", "\n"))


FORMAT = Format(
    NAME,
    (".json", ".jsonl"),
    recognizes,
    read,
    write,
    has_scores=True,
    write_predictions=write_predictions,
    suffix_means="nothing",
    common_keys=frozenset({"id", "data", "annotations", "completions", "predictions"}),
)
