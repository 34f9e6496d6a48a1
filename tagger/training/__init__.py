"""Training: configuration, the loop, and what is kept on the way. Only the trainer imports Keras."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything here imports TensorFlow: it greets on stderr
