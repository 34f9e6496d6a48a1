"""Sequence-to-sequence models at work without Keras: pairs, search, error rates, files."""
