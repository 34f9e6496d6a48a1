"""Export of taggers and language models as ONNX graphs, built from their weights without Keras."""
