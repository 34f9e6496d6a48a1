"""Model bundles: the folder formats of trained models, with schemas, weights, manifest and card."""
