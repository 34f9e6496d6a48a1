"""Training data: batches, vocabularies, language-model states, augmentation and soft labels."""
