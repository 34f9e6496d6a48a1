"""What several commands share: options, JSON as output, and a quiet import of Keras."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from tagger.cli import console
from tagger.cli.paths import FILE, FOLDER

if TYPE_CHECKING:
    from tagger.config.tagger import Config

__all__ = [
    "SCHEME",
    "SPAN_SCHEME",
    "TOKENIZER",
    "Column",
    "FormatChoice",
    "annotation_options",
    "backend_name",
    "encoding_option",
    "json_option",
    "label_option",
    "precision_option",
    "print_json",
    "quiet_stderr",
    "reading_options",
    "runs_and_files",
    "span_options",
    "training_options",
    "with_data_options",
]  # fmt: skip

# As in `text.schemes`, which is not imported, so that wrong usage is reported at once.
SPAN_SCHEME = click.Choice(
    ["IO", "IOB1", "IOB2", "IOBES", "BILOU", "BIO", "BIO2", "BIOES", "BMES", "BMEWO", "BILUO"]
)
SCHEME = click.Choice(["auto", *SPAN_SCHEME.choices, "plain"])


class FormatChoice(click.Choice):  # type: ignore[type-arg]  # generic only since click 8.2
    """A choice of one of the file formats.

    The table of formats imports NumPy; it is read when a choice is checked or shown, not when the
    command is imported.
    """

    def __init__(self) -> None:
        super().__init__(())

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the names of the formats in their table, at this moment."""
        from tagger.text.formats import FORMATS

        return tuple(FORMATS)

    @choices.setter
    def choices(self, names: Sequence[str]) -> None:
        """Ignore what the constructor of `click.Choice` sets."""


class EncodingName(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """The name of a text encoding."""

    name = "encoding"

    def convert(
        self, value: str, param: click.Parameter | None, context: click.Context | None
    ) -> str:
        """Return the name if it is known; else fail with a suggestion."""
        from tagger.errors import TaggerError
        from tagger.text.opening.encodings import canonical

        try:
            canonical(value)
        except TaggerError as error:
            self.fail(str(error), param, context)
        return value


class Column(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """The number or name of a column."""

    name = "column"

    def convert(
        self, value: str | int, param: click.Parameter | None, context: click.Context | None
    ) -> str | int:
        """Return a number as such."""
        try:
            return int(value)
        except ValueError:
            return value


def encoding_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option of the encoding of text files to a command, and return it."""
    return click.option(
        "--encoding",
        type=EncodingName(),
        default=None,
        metavar="NAME",
        help="Encoding of text files, for example cp1252.  [default: UTF-8, or that of a byte "
        "order mark]",
    )(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option of printing the result as JSON to a command, and return it."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(
        command
    )


def label_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds the option of a text's label to a command.

    Args:
        text: The help text.
    """
    return click.option("--label", metavar="LABEL", help=text)


def print_json(value: Any) -> None:
    """Print a result as JSON."""
    console.result(json.dumps(value, indent=1, ensure_ascii=False, default=str))


_READING = (
    click.option(
        "--token-column",
        type=Column(),
        default=None,
        metavar="COLUMN",
        help="Column of the token: its name in the header row, or its number from 0, negative from "
        "the last.",
    ),
    click.option(
        "--delimiter",
        default=None,
        metavar="D",
        help="Separator of CoNLL columns: auto, blank, tab, or any string.",
    ),
    encoding_option,
)


_ANNOTATION = (
    click.option(
        "--annotator",
        metavar="NAME",
        help="Name or id of the annotator whose annotation is read, where texts have several.  "
        "[default: the latest annotation]",
    ),
    click.option(
        "--field",
        "label_field",
        metavar="NAME",
        help="Labeling field that is read, where an annotation project has several.",
    ),
    click.option(
        "--layer",
        metavar="NAME",
        help="Layer of the spans, in files of annotation tools with several layers.",
    ),
    click.option("--feature", metavar="NAME", help="Feature of the layer that has the labels."),
)


TOKENIZER = click.option(
    "--tokenizer",
    metavar="NAME",
    help="Tokenizer of raw text: its name or the code of a language, for example unicode or fr.  "
    "[default: english-conll-2]",
)
_SPANS = (
    click.option(
        "--offsets",
        type=click.Choice(["auto", "utf-32", "utf-16", "utf-8", "graphemes"]),
        help="Unit of the offsets of character spans; auto proves it from the texts of the spans, "
        "and else takes utf-32, code points.  [default: auto]",
    ),
    click.option(
        "--overlaps",
        type=click.Choice(["error", "longest", "first", "outer"]),
        help="What happens to character spans that overlap: error, or which of them is kept.  "
        "[default: error]",
    ),
    click.option(
        "--discontinuous",
        type=click.Choice(["error", "cover"]),
        help="What happens to spans of several parts; cover reads the span from the first to the "
        "last.  [default: error]",
    ),
    click.option(
        "--issues",
        metavar="FILE",
        help="Write all spans that cannot be used as they are to FILE, as JSON Lines.",
    ),
)
_MISALIGNED = click.option(
    "--misaligned",
    type=click.Choice(["error", "expand", "contract", "split"]),
    help="What happens to character spans that cut a token: error; expand or contract them to "
    "whole tokens; or split the tokens, which prediction does not do.  [default: error]",
)
_CORPUS = (
    click.option(
        "--train",
        type=FILE,
        multiple=True,
        metavar="FILE",
        help="Annotated training file: CoNLL columns, JSON Lines, .parquet or .arrow. Repeat to "
        "train on several files.",
    ),
    click.option(
        "--dev",
        type=FILE,
        multiple=True,
        metavar="FILE",
        help="Annotated file that decides when to stop and which epoch to keep. May be repeated. "
        " [default: a tenth of train is held out]",
    ),
    click.option(
        "--vectors",
        type=FILE,
        multiple=True,
        metavar="FILE",
        help="File of pretrained word vectors. Repeat to concatenate several files.",
    ),
    click.option(
        "--language-model",
        "language_models",
        type=FOLDER,
        multiple=True,
        metavar="DIR",
        help="Folder of a language model whose hidden states become inputs. May be repeated.",
    ),
    click.option(
        "--hub",
        metavar="NAME",
        help="Dataset in place of --train and --dev: OWNER/NAME[/CONFIG][@REVISION] on the "
        "Hugging Face Hub, or the folder of a saved dataset.",
    ),
    click.option(
        "--scheme", type=SCHEME, help="Tagging scheme of the corpus.  [default: detected]"
    ),
    click.option(
        "--tag-column",
        type=Column(),
        metavar="COLUMN",
        help="Column of the tag: its name in the header row, or its number from 0, negative from "
        "the last.  [default: -1]",
    ),
)
_RUN_OPTIONS = (
    click.option(
        "--epochs",
        type=int,
        metavar="N",
        help="Maximum number of epochs: training.epochs.",
    ),
    click.option(
        "--units",
        type=int,
        metavar="N",
        help="Units per recurrent layer and direction: model.units.",
    ),
    click.option(
        "--batch-tokens",
        type=int,
        metavar="N",
        help="Tokens per batch: training.batch_tokens.",
    ),
    click.option(
        "--seed",
        type=int,
        metavar="N",
        help="Seed of the training; the same seed gives the same model.  [default: 1]",
    ),
    click.option(
        "--seeds",
        type=click.IntRange(min=1),
        default=1,
        metavar="N",
        show_default=True,
        help="Train with N seeds. RUN becomes the model of median dev score (the lower one of two "
        "in the middle), RUN/seed-* are all.",
    ),
    click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change a setting, for example model.units=200. See tagger config. May be repeated.",
    ),
    click.option("--resume", is_flag=True, help="Continue an interrupted training in RUN."),
    json_option,
)


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a tagger's training to a command, and return it."""
    options = (*_CORPUS, *_READING, TOKENIZER, *_ANNOTATION, _MISALIGNED, *_SPANS, *_RUN_OPTIONS)
    for option in reversed(options):
        command = option(command)
    return command


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of reading text files and CoNLL columns to a command, and return it."""
    for option in reversed(_READING):
        command = option(command)
    return command


def annotation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose among several annotations to a command, and return it."""
    for option in reversed(_ANNOTATION):
        command = option(command)
    return command


def span_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of reading spans of characters to a command, and return it.

    The option ``--misaligned`` is not among them if the command already has it.
    """
    own = {parameter.name for parameter in getattr(command, "__click_params__", ())}
    for option in reversed((*([] if "misaligned" in own else [_MISALIGNED]), *_SPANS)):
        command = option(command)
    return command


def precision_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option of the precision of the weights to a command, and return it."""
    doc = (
        "Precision of the weights.  [default: int8 if it cost at most 0.1 dev F1 when the model "
        "was trained, else float32]"
    )
    return click.option("--precision", type=click.Choice(["float32", "int8"]), help=doc)(command)


def runs_and_files(paths: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Split the arguments ``RUN... FILE...``.

    The first one is a model, and so is each that follows as long as its folder has a manifest.

    Returns:
        The folders of models and the files.

    Raises:
        click.UsageError: There is not at least one of each.
    """
    import itertools

    more = list(
        itertools.takewhile(
            lambda path: os.path.isfile(os.path.join(path, "manifest.json")), paths[1:]
        )
    )
    runs, files = paths[: 1 + len(more)], paths[1 + len(more) :]
    if not files:
        raise click.UsageError(
            "expected RUN... FILE...: at least one model, then at least one file"
        )
    return runs, files


def with_data_options(config: Config, given: Mapping[str, Any]) -> Config:
    """Return settings with those options of the table ``data`` that were given (not None).

    Raises:
        ConfigError: An impossible value.
    """
    from tagger.config.tagger import assign

    return assign(
        config,
        {f"data.{name}": value for name, value in given.items() if value is not None},
        "command line",
    )


def backend_name() -> str:
    """Return the name of the library that trains."""
    names = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    return names.get(backend, backend)


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discard whatever is written to the file descriptor of stderr inside the block.

    TensorFlow's C++ library logs there when it is imported. Python errors still propagate.

    Yields:
        Nothing.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what it would log later on
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
