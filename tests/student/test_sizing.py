"""The predicted size against converted files."""

import numpy as np
import pytest

from ei_bert_tf.compression.quantization import exportable_student
from ei_bert_tf.conversion.int8 import convert
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student
from ei_bert_tf.student.sizing import model_bytes


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        StudentConfig(2100, 48, 1, 80, 40, 2, 32, 300, 384, 3),
        StudentConfig(900, 16, 3, 48, 24, 2, 32, 192, 384, 7, pair=True),
        StudentConfig(700, 40, 2, 64, 32, 3, 16, 208, 96, 2, norm="affine"),
        StudentConfig(700, 40, 2, 64, 32, 3, 16, 208, 96, 2, norm="rms"),
        StudentConfig(700, 40, 2, 64, 32, 3, 16, 208, 96, 2, weight_scales="channel"),
        StudentConfig(700, 40, 2, 64, 32, 6, 16, 208, 96, 2, attention_form="relu"),
    ],
)
def test_within_half_a_percent_of_the_file(config):
    student = build_student(config, fixed_tokens=True, folded=True)
    generator = np.random.default_rng(0)
    for weight in student.weights:
        if "mask_bias" not in weight.name:
            weight.assign(generator.normal(size=weight.shape) * 0.1)
    quantized = exportable_student(student, config.has_channel_scales)
    ids = generator.integers(0, config.vocabulary_size, (4, config.max_tokens))
    inputs = [ids, np.ones_like(ids)] + ([ids % 2] if config.pair else [])
    quantized(inputs, training=True)
    size = len(convert(quantized, config))
    assert model_bytes(config) == pytest.approx(size, rel=0.005)
