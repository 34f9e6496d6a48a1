"""What a training reads: batches, vocabularies, states of language models, soft labels."""
