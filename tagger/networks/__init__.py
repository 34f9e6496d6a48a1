"""Keras 3 networks on any backend, written in `keras.ops`. They see integers and floats: no string,
path or config.
"""
