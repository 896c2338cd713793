"""The student before quantization: what int8 is measured against."""

import pathlib
from typing import Any

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.distillation.trainer import predictor
from ei_bert_tf.errors import InputError
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student
from ei_bert_tf.text.wordpiece import Encoded
from ei_bert_tf.weights import load_weights


def load_float_student(config: StudentConfig, weights: pathlib.Path) -> tf.keras.Model:
    """The float student in its exported form.

    Args:
        config: its shape.
        weights: as the quantization stage leaves them.

    Raises:
        InputError: the weights are gone.
    """
    if not weights.is_file():
        raise InputError(
            f"--runtime=keras: {weights} is missing; the float weights are part of "
            "checkpoints/, which a bundle otherwise does without"
        )
    model = build_student(config, folded=True)
    load_weights(weights, model.weights)
    return model


def float_logits(
    student: dict[str, Any], weights: pathlib.Path, encoded: Encoded
) -> np.ndarray:
    """Logits float32 [N, C] of the float student in tf_keras.

    Args:
        student: the manifest's StudentConfig.
        weights: of load_float_student.
        encoded: N texts in the student's ids.
    """
    config = StudentConfig(**student)
    return predictor(load_float_student(config, weights), config)(encoded)
