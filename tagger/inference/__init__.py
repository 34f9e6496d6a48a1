"""Inference with trained taggers in ONNX Runtime: batching, decoding, and tagging of files."""
