"""Spans, tagging schemes, tokenizers and file formats, without any neural network.

Only the standard library and NumPy are imported at module level; the tokenizer libraries are
imported when raw text is first tokenized.
"""
