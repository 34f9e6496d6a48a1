"""Features: encoding sentences as padded arrays of ids and vectors, with NumPy only."""
