"""Tiny students with weights of 16 values.

T tokens, V pieces.
"""

import functools

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.palette import cluster_student, copy_clustered
from ei_bert_tf.compression.quantization import quantize_student
from ei_bert_tf.conversion.int8 import convert
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student, student_inputs
from ei_bert_tf.text.wordpiece import Encoded

CONFIG = StudentConfig(37, 13, 1, 12, 6, 3, 5, 28, 20, 3)


@functools.cache
def clustered_student(config: StudentConfig = CONFIG) -> tf.keras.Model:
    """Random weights, clustered and moved by a few steps of a training."""
    student = build_student(config, folded=True)
    generator = np.random.default_rng(5)
    for weight in student.trainable_weights:
        weight.assign(generator.normal(size=weight.shape) * 0.3)
    clustered = cluster_student(student)
    inputs = student_inputs(config, encoded_batch(config, 16))
    targets = generator.normal(size=(16, config.outputs)).astype(np.float32)
    optimizer = tf.keras.optimizers.legacy.SGD(0.02)
    for _ in range(3):
        with tf.GradientTape() as tape:
            logits = clustered(inputs, training=True)["logits"]
            loss = tf.reduce_mean(tf.square(logits - targets))
        variables = [x for x in clustered.trainable_variables if x.trainable]
        pairs = zip(tape.gradient(loss, variables), variables, strict=True)
        optimizer.apply_gradients([pair for pair in pairs if pair[0] is not None])
    return clustered


@functools.cache
def clustered_tflite(config: StudentConfig = CONFIG) -> bytes:
    """The same as an int8 file."""
    fixed = quantize_student(build_student(config, fixed_tokens=True, folded=True))
    copy_clustered(clustered_student(config), fixed)
    return convert(fixed, config)


def encoded_batch(config: StudentConfig, rows: int) -> dict[str, np.ndarray]:
    """Random texts, int32 [rows, T] by input."""
    texts = encoded_texts(config, rows)
    return {
        "ids": texts.ids,
        "mask": texts.mask,
        "segment_ids": texts.segment_ids,
    }


def encoded_texts(config: StudentConfig, rows: int) -> Encoded:
    """Random ids of random lengths, padded with 0."""
    generator = np.random.default_rng(11)
    tokens = config.max_tokens
    lengths = generator.integers(2, tokens + 1, rows).astype(np.int32)
    real = np.arange(tokens) < lengths[:, None]
    ids = generator.integers(1, config.vocabulary_size, (rows, tokens)) * real
    segments = generator.integers(0, 2, (rows, tokens)) * real
    return Encoded(ids.astype(np.int32), lengths, segments.astype(np.int32))
