"""Language models: settings, text, the folder on disk, scoring, sampling and states, all without
Keras.
"""
