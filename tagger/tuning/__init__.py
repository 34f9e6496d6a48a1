"""Series of trainings: repetition with several seeds, and hyperparameter search."""
