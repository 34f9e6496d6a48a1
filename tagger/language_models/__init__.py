"""Use of language models without Keras: text, scoring, sampling, hidden states and import."""
