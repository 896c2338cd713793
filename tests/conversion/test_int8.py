"""The graph that the converter makes of a student."""

import numpy as np
import pytest

from ei_bert_tf.compression.quantization import exported_student, quantize_student
from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.int8 import convert
from ei_bert_tf.evaluation.runtimes import RUNTIMES, open_runtime
from ei_bert_tf.recipe import Recipe, StudentConfig
from ei_bert_tf.student.encoder import build_student, student_inputs
from tests.tiny_models import tiny_encoded

TOKENS, OUTPUTS = 13, 3


@pytest.mark.parametrize("norm", ["layer", "rms", "affine"])
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
    # The embedding's projection, six a block and two a head, the norms' means, the
    # pooler; the classifier's result is [1, C], as the bundle has it.
    means = {"layer": 2, "rms": 1, "affine": 0}[norm] * (1 + 2 * 2)
    assert ranks == [(3, 3)] * (1 + 2 * (6 + 2 * 2) + means + 1) + [(3, 2)]


@pytest.mark.parametrize(
    ("scales", "form", "choices"),
    [
        ("tensor", "softmax", {"quantization_ranges": "percentile"}),
        ("tensor", "softmax", {"quantization_ranges": "learned"}),
        ("tensor", "relu", {}),
        ("channel", "softmax", {}),
    ],
)
def test_every_scheme_is_what_the_engines_compute(scales, form, choices):
    config = StudentConfig(
        *(37, TOKENS, 2, 12, 6, 2, 5, 14, 20, OUTPUTS),
        weight_scales=scales,
        attention_form=form,
    )
    student = build_student(config, folded=True)
    generator = np.random.default_rng(1)
    for weight in student.trainable_weights:
        # Columns of unlike sizes, for which one scale a tensor is too coarse.
        columns = np.exp(generator.normal(size=weight.shape[-1:]))
        one = 1.0 if "gamma" in weight.name else 0.0
        weight.assign(one + 0.3 * columns * generator.normal(size=weight.shape))
    recipe = Recipe.preset("quick", choices)
    quantized = quantize_student(student, recipe, config.has_channel_scales)
    encoded = tiny_encoded(24, tokens=TOKENS)
    inputs = student_inputs(config, {"ids": encoded.ids, "mask": encoded.mask})
    quantized(inputs, training=True)
    for layer in quantized.layers:
        for weight in layer.weights:
            if "growth" in weight.name:
                weight.assign(-0.05)
    wanted = quantized(inputs, training=False)["logits"].numpy()
    model = convert(exported_student(quantized, config), config)
    for name in RUNTIMES:
        engine = open_runtime(name, model)
        found = engine.dequantize(engine.logits(encoded))
        # Engines round differently, which random weights can blow up in some texts; a
        # wrong scale would move most logits by tens of their 256 steps.
        assert np.median(np.abs(found - wanted)) < 5 * engine.scale, name
    parsed = flatbuffer.parse_model(model)
    graph = parsed.subgraphs[0]
    kernels = [
        graph.tensors[operator.inputs[1]]
        for operator in graph.operators
        if flatbuffer.operator_name(parsed, operator) == "FULLY_CONNECTED"
    ]
    for kernel in kernels:
        by_column = scales == "channel" and flatbuffer.is_constant(parsed, kernel)
        assert len(kernel.quantization.scale) == (kernel.shape[0] if by_column else 1)
