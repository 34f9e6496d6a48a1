"""Keras 3 networks on any backend, written in `keras.ops`.

They receive integers and floats only: no string, path or configuration reaches them.
"""
