"""Layers by their weights: their names and shapes, and their conversion to ONNX operators, for
taggers and language models.
"""
