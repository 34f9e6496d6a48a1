"""Conversion of annotated files, folders and datasets to another scheme or format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tagger.corpora.loading import DATASETS
from tagger.corpora.reading import read_all
from tagger.corpora.writing import save_dataset
from tagger.text import annotation, schemes
from tagger.text.conversion import Conversion, checked_target, parts_of, without_scores, write
from tagger.text.dropping import DATASET, dropped
from tagger.text.formats import ReadOptions
from tagger.text.issues import logged

__all__ = ["Conversion", "convert"]


def convert(
    source: str | Path,
    target: str | Path,
    options: ReadOptions | None = None,
    scheme: str = annotation.DETECT,
    target_scheme: str = "IOB2",
    *,
    target_format: str = "",
    is_reviewed: bool = False,
    issues: str = "",
) -> Conversion:
    """Convert an annotated file or folder to another scheme or format, checking every tag.

    The target is written atomically. Columns are written as columns with everything but the tags
    unchanged: document marks, comments, further columns. Objects keep their keys within their
    format. Between formats, text, ids and documents are kept where the target has a place for them.

    Args:
        source: Annotated file, possibly compressed; a folder of such files; or a dataset: a file
            with the suffix ``.parquet`` or ``.arrow``, or a folder of ``Dataset.save_to_disk``.
        target: File to write, whose suffix determines the format: CoNLL columns if it is unknown,
            a dataset if it is ``.parquet`` or ``.arrow``. A folder, whose name may end in a slash,
            receives a file per document in brat's format.
        options: Reading options of the source; the defaults of `ReadOptions` if None.
        scheme: Tagging scheme of the source; detected by default.
        target_scheme: Tagging scheme of the target: IO, IOB1, IOB2, IOBES or BILOU. Plain tags are
            copied unchanged.
        target_format: Format of the target, in place of the one that its suffix names.
        is_reviewed: Whether predicted spans were reviewed, so that they are written without their
            probabilities and become annotation.
        issues: File that receives all spans that cannot be used as they are, and all repairs, as
            JSON Lines.

    Returns:
        How the source was understood, and what the target does not contain.

    Raises:
        DataError: The source is ill-formed, the target's scheme or format cannot represent it, or
            the target is compressed, standard output, or the source itself.
        ConfigError: A dataset cannot be loaded, has several splits or lacks a feature.
        TaggerError: A dataset is read or written, and the package `datasets` is not installed.
    """
    source, target = str(source), str(target)
    options = options or ReadOptions()
    is_dataset = Path(target).suffix in DATASETS and not target_format
    if not is_dataset:
        target_format, target_scheme = checked_target(source, target, target_scheme, target_format)
    with logged(options, issues) as logging:
        corpus = read_all([source], logging, scheme, predictions=True)
    if not is_dataset:
        return write(corpus, target, options, target_format, target_scheme, is_reviewed=is_reviewed)
    if is_reviewed:
        corpus = without_scores(corpus)
    if corpus.scheme != schemes.PLAIN:
        corpus = replace(corpus, sentences=[replace(s, tags=None) for s in corpus.sentences])
    save_dataset(corpus.sentences, Path(target), schemes.ALIASES.get(target_scheme, target_scheme))
    lost = [phrase for part in parts_of(corpus) for phrase in dropped(part, DATASET)]
    return Conversion(corpus, tuple(dict.fromkeys(lost)))
