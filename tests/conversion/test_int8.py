"""The graph that the converter makes of a student."""

import numpy as np
import pytest

from ei_bert_tf.compression.quantization import quantize_student
from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.int8 import convert
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student, student_inputs

TOKENS, OUTPUTS = 13, 3


@pytest.mark.parametrize("norm", ["layer", "affine"])
def test_fully_connected_layers_have_rank_3(norm):
    config = StudentConfig(37, TOKENS, 2, 12, 6, 2, 5, 14, 20, OUTPUTS, norm=norm)
    student = build_student(config, fixed_tokens=True, folded=True)
    generator = np.random.default_rng(0)
    for weight in student.trainable_weights:
        weight.assign(0.1 * generator.normal(size=weight.shape))
    quantized = quantize_student(student)
    ids = generator.integers(0, 37, (4, TOKENS)).astype(np.int32)
    batch = {"ids": ids, "mask": np.ones_like(ids)}
    quantized(student_inputs(config, batch), training=True)
    model = flatbuffer.parse_model(convert(quantized, config))
    tensors = model.subgraphs[0].tensors
    ranks = []
    for operator in model.subgraphs[0].operators:
        if flatbuffer.operator_name(model, operator) == "FULLY_CONNECTED":
            source, result = tensors[operator.inputs[0]], tensors[operator.outputs[0]]
            ranks.append((len(source.shape), len(result.shape)))
    # The embedding's projection, six a block and two a head, two means a LayerNorm, the
    # pooler; the classifier's result is [1, C], as the bundle has it.
    means = 2 * (1 + 2 * 2) if norm == "layer" else 0
    assert ranks == [(3, 3)] * (1 + 2 * (6 + 2 * 2) + means + 1) + [(3, 2)]
