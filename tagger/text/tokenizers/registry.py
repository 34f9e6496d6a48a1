"""The table of tokenizers by name, and the names of languages."""

from __future__ import annotations

from importlib.metadata import entry_points

from tagger.errors import most_similar
from tagger.text.tokenizers.base import Tokenizer, TokenizerError, validated
from tagger.text.tokenizers.characters import characters
from tagger.text.tokenizers.english import english, english_1
from tagger.text.tokenizers.romance import romance
from tagger.text.tokenizers.social import social
from tagger.text.tokenizers.unicode import unicode
from tagger.text.tokenizers.whitespace import whitespace

__all__ = ["DEFAULT", "GROUP", "LANGUAGES", "REPLACED", "get", "names", "register", "resolve"]

DEFAULT = "english-conll-2"
"""The default tokenizer: English, CoNLL-like tokens. The number in its name is increased whenever
the tokens of some text change.
"""

REPLACED = ("english-conll-1",)
"""Names of earlier versions, for models that were trained with them."""

GROUP = "tagger.tokenizers"
"""The entry points by which installed packages provide tokenizers."""

_TOKENIZERS: dict[str, Tokenizer] = {
    DEFAULT: english,
    "english-conll-1": english_1,
    "characters": characters,
    "romance": romance,
    "social": social,
    "unicode": unicode,
    "whitespace": whitespace,
}

LANGUAGES: dict[str, str] = {
    **dict.fromkeys(("ca", "fr", "it", "oc"), "romance"),
    **dict.fromkeys(("bo", "ja", "km", "lo", "my", "th", "yue", "zh"), "characters"),
    **dict.fromkeys(("cs", "da", "de", "en", "es", "fi", "hu", "nb", "nl", "nn"), DEFAULT),
    **dict.fromkeys(("no", "pl", "pt", "ro", "sv", "tr"), DEFAULT),
    **dict.fromkeys(("am", "ar", "bn", "el", "fa", "gu", "he", "hi", "hy", "ka", "kn"), "unicode"),
    **dict.fromkeys(("ko", "ml", "mr", "pa", "ru", "ta", "te", "uk", "ur", "vi"), "unicode"),
}
"""The tokenizer of a language by its code of ISO 639; corpora of European languages, like
CoNLL-2002 and CoNLL-2003, keep hyphenated words whole.
"""


def names() -> list[str]:
    """Return the names of all registered tokenizers, sorted."""
    return sorted(_TOKENIZERS)


def register(name: str, tokenizer: Tokenizer) -> None:
    """Register a tokenizer by name, for this process.

    Trained models store the name, so a custom tokenizer must be registered before they are loaded,
    or be provided by an installed package; see `get`. Registering the same tokenizer again has no
    effect.

    Args:
        name: Unique name.
        tokenizer: Function from a text to the token offsets of each sentence.

    Raises:
        TokenizerError: Another tokenizer has this name. A name must be unambiguous, or models would
            silently be given other tokens than they were trained on.
    """
    if _TOKENIZERS.setdefault(name, tokenizer) is not tokenizer:
        raise TokenizerError(
            f"another tokenizer named {name!r} is registered; choose a name other than "
            f"{', '.join(names())}"
        )


def resolve(name: str) -> str:
    """Return the name of a tokenizer that a name or the code of a language stands for.

    Args:
        name: Name of a tokenizer, or a code in `LANGUAGES`.

    Returns:
        The tokenizer of the language; `name` itself if it is registered or unknown.
    """
    return name if name in _TOKENIZERS else LANGUAGES.get(name, name)


def get(name: str) -> Tokenizer:
    """Return a tokenizer, whose output is checked by `validated`.

    An unknown name is looked up among the entry points `GROUP` of installed packages.

    Args:
        name: Name of the tokenizer, or the code of a language.

    Returns:
        A function from a text to the token offsets of each sentence.

    Raises:
        TokenizerError: The name is not registered, and the message lists all that are; or the
            package that provides it cannot be loaded.
    """
    name = resolve(name)
    if name not in _TOKENIZERS:
        _load(name)
    return validated(_TOKENIZERS[name], name)


def _load(name: str) -> None:
    """Register the tokenizer that an installed package provides."""
    provided = entry_points(group=GROUP)
    known = sorted({*_TOKENIZERS, *provided.names})
    if name not in provided.names:
        nearest = most_similar(name, known)
        hint = f" (did you mean {nearest!r}?)" if nearest else ""
        raise TokenizerError(
            f"unknown tokenizer {name!r}{hint}; known: {', '.join(known)}. A custom tokenizer must "
            f"be registered first, with tagger.text.tokenizers.register or the entry point {GROUP}"
        )
    entry = next(iter(provided.select(name=name)))
    try:
        tokenizer = entry.load()
    except Exception as error:  # any error of the code of a package
        raise TokenizerError(
            f"tokenizer {name!r}: {entry.value} cannot be loaded: {error}; correct or remove the "
            "package that provides it"
        ) from error
    if not callable(tokenizer):
        raise TokenizerError(
            f"tokenizer {name!r}: {entry.value} is not a function from a text to token offsets"
        )
    register(name, tokenizer)
