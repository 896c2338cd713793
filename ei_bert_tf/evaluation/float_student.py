"""The student before quantization: what int8 is measured against."""

import pathlib
from typing import Any

import numpy as np

from ei_bert_tf.distillation.trainer import predictor
from ei_bert_tf.errors import InputError
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student
from ei_bert_tf.text.wordpiece import Encoded
from ei_bert_tf.weights import load_weights


def float_logits(
    student: dict[str, Any], weights: pathlib.Path, encoded: Encoded
) -> np.ndarray:
    """Logits float32 [N, C] of the float student in tf_keras.

    Args:
        student: the manifest's StudentConfig.
        weights: those of the folded student, as the quantization stage leaves them.
        encoded: N texts in the student's ids.

    Raises:
        InputError: the weights are gone.
    """
    if not weights.is_file():
        raise InputError(
            f"--runtime=keras: {weights} is missing; the float weights are part of "
            "checkpoints/, which a bundle otherwise does without"
        )
    config = StudentConfig(**student)
    model = build_student(config, folded=True)
    load_weights(weights, model.weights)
    return predictor(model, config)(encoded)
