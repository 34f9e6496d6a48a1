"""Tokenizers: raw text to sentences and tokens, as exact character offsets.

For any string, `text[start:end]` is the token, and each character that is not whitespace
(`str.isspace`) lies in exactly one token. Tokenizers are registered by name; a trained model stores
the name, and `get` returns the tokenizer.

The default is for English: the compiled library `sentencex` splits each line into sentences, and
one pattern of the library `regex` splits each sentence into tokens like those of CoNLL-2003. Both
were chosen by measurement: see `benchmarks/tokenization.py` and decision 30 of the documentation.
Every line break of `str.splitlines` ends a sentence; in hard-wrapped text, first replace single
line breaks by blanks.
"""

from __future__ import annotations

from tagger.text.tokenizers.base import Offsets, Tokenizer, TokenizerError, validated
from tagger.text.tokenizers.fit import advice, agreement, best_fit, warning
from tagger.text.tokenizers.registry import DEFAULT, LANGUAGES, get, names, register, resolve

__all__ = [
    "DEFAULT",
    "LANGUAGES",
    "Offsets",
    "Tokenizer",
    "TokenizerError",
    "advice",
    "agreement",
    "best_fit",
    "get",
    "names",
    "register",
    "resolve",
    "validated",
    "warning",
]
