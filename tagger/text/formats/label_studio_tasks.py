"""Tasks of Label Studio as they are written, for `tagger.text.formats.label_studio`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Any

from tagger.text.alignment import CharacterSpan, Document, documents_of
from tagger.text.formats.json_records import common_data, unread, write_array
from tagger.text.spans import Sentence

__all__ = [
    "LABELS",
    "MODEL_VERSION",
    "NAME",
    "annotations_of",
    "is_region",
    "write",
    "write_predictions",
]

NAME = "label-studio"
"""Name of the format."""

MODEL_VERSION = "tagger"
"""Name of our predictions in Label Studio; those of other models are kept."""

LABELS = ("labels", "hypertextlabels")
"""Types of the results that are labeled regions of a text, and their keys with the labels."""

# Names of the labeling field and the text in Label Studio's template for named entities.
_DEFAULT_NAMES = ("label", "text")


def annotations_of(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the annotations of a task."""
    found = task.get("annotations", task.get("completions")) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError('"annotations" must be a list of objects')
    return found


def is_region(result: Any) -> bool:
    """Return whether a result is a labeled region of a text."""
    return (
        isinstance(result, dict)
        and isinstance(value := result.get("value"), dict)
        and result.get("type", LABELS[0]) in LABELS
        and "start" in value
    )


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write an array of annotated tasks; see `Format.write`."""
    write_array(_tasks(documents_of(sentences), predicted=False), stream)


def write_predictions(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write an array of tasks with predictions; see `Format.write_predictions`."""
    write_array(_tasks(documents_of(sentences), predicted=True), stream)


def _tasks(documents: Iterable[Document], *, predicted: bool) -> Iterator[Any]:
    """Yield the task of each text."""
    names = _DEFAULT_NAMES
    for document in documents:
        record = document.record
        if record is not None and record.lines and not document.text:  # it could not be read
            yield from unread(record)
            continue
        if record is not None and record.format == NAME and record.data is not None:
            task = {key: each for key, each in record.data.items() if key != "document"}
            names = _names_of_fields(task) or names
        else:
            task = {"data": {**common_data(record), "text": document.text}}
        if document.sentences[0].spans is not None:
            (_predict if predicted else _annotate)(task, document, names)
        yield task


def _names_of_fields(task: dict[str, Any]) -> tuple[str, str] | None:
    """Return the names of the labeling field and of the text that results of a task refer to."""
    found = [*annotations_of(task), *(task.get("predictions") or [])]
    for result in (one for each in found if isinstance(each, dict) for one in each["result"] or ()):
        if is_region(result) and {"from_name", "to_name"} <= result.keys():
            return result["from_name"], result["to_name"]
    return None


def _predict(task: dict[str, Any], document: Document, names: tuple[str, str]) -> None:
    """Add the spans of a document to a task as a prediction."""
    result = [_region(span, number, names) for number, span in enumerate(document.spans, 1)]
    prediction: dict[str, Any] = {"model_version": MODEL_VERSION, "result": result}
    scores = [span.score for span in document.spans if span.score is not None]
    if scores:  # the least certain texts are reviewed first
        prediction["score"] = round(min(scores), 6)
    others = [
        one
        for one in task.get("predictions") or []
        if not isinstance(one, dict) or one.get("model_version") != MODEL_VERSION
    ]
    task["predictions"] = [*others, prediction]


def _annotate(task: dict[str, Any], document: Document, names: tuple[str, str]) -> None:
    """Replace the spans of the first annotation of a task."""
    annotation = next(iter(annotations_of(task)), {})
    results = annotation.get("result") or []
    regions = [one for one in results if is_region(one)]
    if len({one.get("from_name") for one in regions}) > 1:
        return  # only one of several fields was read, and all remain
    others = [one for one in results if not is_region(one)]
    known = {_key(one): one for one in regions}
    result = [
        known.get((span.start, span.end, (span.label,))) or _region(span, number, names)
        for number, span in enumerate(document.spans, 1)
    ]
    task.pop("completions", None)
    task["annotations"] = [annotation | {"result": result + others}]


def _key(result: dict[str, Any]) -> tuple[Any, ...]:
    """Return start, end and labels of a region."""
    value = result["value"]
    return value["start"], value.get("end"), tuple(value.get(LABELS[0]) or ())


def _region(span: CharacterSpan, number: int, names: tuple[str, str]) -> dict[str, Any]:
    """Return a span as a result of an annotation or prediction."""
    region: dict[str, Any] = {
        "id": f"span-{number}",
        "from_name": names[0],
        "to_name": names[1],
        "type": "labels",
        "value": {
            "start": span.start,
            "end": span.end,
            "text": span.text,
            "labels": [span.label],
        },
    }
    return region if span.score is None else region | {"score": round(span.score, 6)}
