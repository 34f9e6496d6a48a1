"""One bidirectional LSTM layer, forward and backward pass: ours beside Keras' own and TensorFlow's
fused kernel, in one run.

    python benchmarks/recurrent.py

Keras' layer gets a mask, as any batch of sentences needs one; the fused kernel is measured without
regard to lengths. Tokens a second, the median over rounds in which all take their turn; the ratio
is to `keras.layers.LSTM`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from tagger.networks.recurrent import Encoder

BATCH, TIME, FEATURES, UNITS = 32, 16, 150, 200


def ours() -> tuple[Callable[[Any], Any], list[Any]]:
    encoder = Encoder("lstm", UNITS)
    encoder.build((None, None, FEATURES))
    lengths = tf.fill([BATCH], TIME)
    return lambda x: encoder(x, lengths), encoder.trainable_weights


def keras_layer() -> tuple[Callable[[Any], Any], list[Any]]:
    layer = keras.layers.Bidirectional(keras.layers.LSTM(UNITS, return_sequences=True))
    layer.build((None, None, FEATURES))
    mask = tf.ones((BATCH, TIME), dtype="bool")
    return lambda x: layer(x, mask=mask), layer.trainable_weights


def fused_kernel() -> tuple[Callable[[Any], Any], list[Any]]:
    shapes = ((FEATURES + UNITS, 4 * UNITS), (4 * UNITS,))
    normal = np.random.default_rng(1).normal
    weights = [
        [keras.Variable(normal(0, 0.05, shape).astype("float32")) for shape in shapes]
        for _ in range(2)
    ]

    def run(x: Any, weight: Any, bias: Any) -> Any:
        zero, none = tf.zeros((tf.shape(x)[0], UNITS)), tf.zeros((UNITS,))
        outputs = tf.raw_ops.BlockLSTMV2(
            seq_len_max=tf.cast(tf.shape(x)[1], tf.int64),
            x=tf.transpose(x, (1, 0, 2)),
            cs_prev=zero,
            h_prev=zero,
            w=weight.value,
            wci=none,
            wcf=none,
            wco=none,
            b=bias.value,
            cell_clip=0.0,
            use_peephole=False,
        )
        return tf.transpose(outputs.h, (1, 0, 2))

    def both(x: Any) -> Any:
        return tf.concat(
            [run(x, *weights[0]), tf.reverse(run(tf.reverse(x, [1]), *weights[1]), [1])], axis=-1
        )

    return both, [variable for pair in weights for variable in pair]


def training_step(network: Callable[[Any], Any], weights: list[Any]) -> Callable[[], Any]:
    """A compiled pass forwards and backwards over a batch."""
    x = tf.constant(np.random.default_rng(2).normal(size=(BATCH, TIME, FEATURES)).astype("float32"))

    @tf.function(input_signature=[tf.TensorSpec((None, None, FEATURES))])
    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(network(x) ** 2)
        return [
            tf.convert_to_tensor(gradient)
            for gradient in tape.gradient(loss, [weight.value for weight in weights])
        ]

    return lambda: step(x)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    kinds = {"keras.layers.LSTM": keras_layer, "ours": ours, "BlockLSTMV2": fused_kernel}
    steps = {name: training_step(*make()) for name, make in kinds.items()}
    speeds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(options.rounds + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(10):
                step()[0].numpy()
            speeds[name].append(10 * BATCH * TIME / (time.perf_counter() - start))
    base = median(speeds["keras.layers.LSTM"][1:])
    print(f"{BATCH} sentences of {TIME} tokens, {FEATURES} inputs, {UNITS} units in each direction")
    print("| layer | tokens/s | ratio |\n|---|---:|---:|")
    for name, values in speeds.items():  # the first round compiles
        print(f"| {name} | {median(values[1:]):,.0f} | {median(values[1:]) / base:.2f} |")


if __name__ == "__main__":
    main()
