"""Tiny int8 models for the tests of whatever reads a .tflite.

T tokens, E embedding, C outputs. Those of tiny_tflite have the shape of a student's
interface (int32 `ids`, `mask` and, for pairs, `segment_ids` [1, T]; int8 `logits`
[1, C]) around one gather per input, one fully connected layer and a mean.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ei_bert_tf.compat import tf, tf_keras
from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.text.wordpiece import Encoded

TOKENS = 7
VOCABULARY_SIZE = 13
_EMBEDDING_SIZE = 6


def tiny_encoded(rows: int, *, tokens: int = TOKENS, seed: int = 3) -> Encoded:
    """Random ids of random lengths 1..T, padded with 0; int32 [rows, T]."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, tokens + 1, rows).astype(np.int32)
    real = np.arange(tokens)[None, :] < lengths[:, None]
    ids = generator.integers(1, VOCABULARY_SIZE, (rows, tokens)) * real
    segment_ids = generator.integers(0, 2, (rows, tokens)) * real
    return Encoded(ids.astype(np.int32), lengths, segment_ids.astype(np.int32))


def int8_tflite(function: Any, samples: Callable[[], Iterable]) -> bytes:
    """A tf.function with one signature as int8 .tflite, its ranges those of samples."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()]
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def operators(model: bytes) -> list[str]:
    """Names of a .tflite's operators in their order."""
    parsed = flatbuffer.parse_model(model)
    return [
        flatbuffer.operator_name(parsed, operator)
        for operator in parsed.subgraphs[0].operators
    ]


def _uniform(shape: tuple[int, ...], seed: int, symmetric: bool) -> np.ndarray:
    """Float32 values in -1..1; symmetric = the converter's zero point becomes 0.

    The converter maps [min, max] to -128..127, so min = -1 and max = 127/128 give
    zero point 0.
    """
    limit = 127 / 128
    values = np.random.default_rng(seed).uniform(-limit, limit, shape)
    values.flat[:2] = (-1.0, limit) if symmetric else (-0.5, limit)
    return values.astype(np.float32)


def tiny_keras_model(
    *,
    outputs: int = 2,
    pair: bool = False,
    tokens: int = TOKENS,
    symmetric: bool = True,
    activation: str | None = None,
) -> tf_keras.Model:
    """The float model, fixed to batch 1; `activation` follows the sum."""
    names = ["ids", "mask"] + (["segment_ids"] if pair else [])
    inputs = [
        tf_keras.Input((tokens,), batch_size=1, dtype="int32", name=name)
        for name in names
    ]
    rows = {"ids": VOCABULARY_SIZE, "mask": 2, "segment_ids": 2}
    hidden = [
        tf_keras.layers.Embedding(
            rows[name],
            _EMBEDDING_SIZE,
            name=f"{name}_table",
        )(tensor)
        for name, tensor in zip(names, inputs, strict=True)
    ]
    summed = hidden[0]
    for number, addend in enumerate(hidden[1:]):
        summed = tf_keras.layers.Add(name=f"sum_{number}")([summed, addend])
    if activation is not None:
        summed = tf_keras.layers.Activation(activation, name="activation")(summed)
    flat = tf_keras.layers.Reshape((tokens * _EMBEDDING_SIZE,), name="flat")(summed)
    logits = tf_keras.layers.Dense(outputs, name="logits")(flat)
    model = tf_keras.Model(inputs, {"logits": logits})
    model.set_weights(
        [
            _uniform(weight.shape, seed, symmetric)
            for seed, weight in enumerate(model.get_weights())
        ]
    )
    return model


@functools.lru_cache
def tiny_tflite(
    *,
    outputs: int = 2,
    pair: bool = False,
    tokens: int = TOKENS,
    symmetric: bool = True,
    activation: str | None = None,
    quantized: bool = True,
    float_output: bool = False,
) -> bytes:
    """The model as .tflite bytes: full int8, or float.

    `symmetric=False` gives the embedding tables a zero point other than 0;
    `float_output` ends an int8 model with a DEQUANTIZE.
    """
    model = tiny_keras_model(
        outputs=outputs,
        pair=pair,
        tokens=tokens,
        symmetric=symmetric,
        activation=activation,
    )
    names = [tensor.name for tensor in model.inputs]
    signature = [tf.TensorSpec((1, tokens), tf.int32, name=name) for name in names]

    @tf.function(input_signature=signature)
    def serve(*tensors):
        return model(list(tensors))

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [serve.get_concrete_function()], model
    )
    if quantized:
        encoded = tiny_encoded(256, tokens=tokens, seed=4)

        def representative():
            for row in range(len(encoded)):
                yield {name: getattr(encoded, name)[row : row + 1] for name in names}

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_output_type = tf.float32 if float_output else tf.int8
    return converter.convert()
