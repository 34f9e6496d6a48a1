"""Sentences to padded integer arrays: the one border where strings end. NumPy only."""
