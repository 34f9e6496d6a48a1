"""Export of trained models: ONNX graphs, choice of precision, verification, SavedModel."""
