"""The folder on disk that is a trained model: schemas, weights, manifest, model card."""
