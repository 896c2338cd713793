"""Weights of 16 values: in training, and in the .tflite."""

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.palette import cluster_student
from ei_bert_tf.compression.quantization import last_name
from ei_bert_tf.compression.quantizers import palette_values
from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.parts import layer_name
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student
from tests.clustered_students import CONFIG, clustered_student, clustered_tflite


def _values_of_layers(model: bytes) -> dict[str, np.ndarray]:
    """The int8 weights of FULLY_CONNECTED and GATHER by layer."""
    parsed = flatbuffer.parse_model(model)
    graph = parsed.subgraphs[0]
    found = {}
    for operator in graph.operators:
        place = {"FULLY_CONNECTED": 1, "GATHER": 0}.get(
            flatbuffer.operator_name(parsed, operator)
        )
        if place is None:
            continue
        tensor = graph.tensors[int(operator.inputs[place])]
        if flatbuffer.is_constant(parsed, tensor):
            data = parsed.buffers[tensor.buffer].data.view(np.int8)
            found[layer_name(flatbuffer.tensor_name(tensor))] = data
    return found


def test_weights_in_the_file_have_16_values_and_the_table_half_bytes():
    values = _values_of_layers(clustered_tflite())
    assert {"embedding_projection", "block_0_feed_forward", "pooler"} <= set(values)
    for layer, weight in values.items():
        if layer in ("classifier", "mask_bias"):
            continue
        assert len(np.unique(weight)) <= 16, layer
        assert len(np.unique(weight)) > 8, layer
    assert np.abs(values["embedding"]).max() == 7
    assert len(np.unique(values["classifier"])) > 16


def test_the_file_has_the_values_that_were_trained():
    """To the int8 step: the file computes what the training saw."""
    clustered = clustered_student()
    values = _values_of_layers(clustered_tflite())
    for name in ("block_0_query", "block_0_feed_forward_output", "pooler"):
        layer = clustered.get_layer(f"quant_{name}")
        learnt = {last_name(weight): weight for weight in layer.weights}
        trained, most = palette_values(learnt["kernel"], learnt["kernel_palette"])
        steps = np.round(trained.numpy().T / (float(most) / 127)).astype(int)
        np.testing.assert_array_equal(values[name].reshape(steps.shape), steps)
    layer = clustered.get_layer("quant_embedding")
    learnt = {last_name(weight): weight.numpy() for weight in layer.weights}
    steps = np.clip(np.round(learnt["table"] / learnt["table_spacing"]), -7, 7)
    np.testing.assert_array_equal(values["embedding"].reshape(steps.shape), steps)


def test_palettes_start_as_the_means_of_their_weights_and_move():
    student = build_student(CONFIG, folded=True)
    layer = student.get_layer("block_0_feed_forward")
    centres = np.linspace(-1, 1, 16)
    nearby = np.random.default_rng(0).uniform(-0.01, 0.01, (21, 16)) + centres
    layer.kernel.assign(nearby.reshape(layer.kernel.shape))
    clustered = cluster_student(student)
    weights = clustered.get_layer("quant_block_0_feed_forward").weights
    (palette,) = (x for x in weights if last_name(x) == "kernel_palette")
    np.testing.assert_allclose(palette, nearby.mean(axis=0), atol=1e-6)
    assert any(x is palette for x in clustered.trainable_variables)


def test_an_odd_embedding_stays_int8():
    config = StudentConfig(37, 13, 1, 12, 7, 3, 5, 28, 20, 3)
    clustered = cluster_student(build_student(config, folded=True))
    names = {last_name(x) for x in clustered.get_layer("quant_embedding").weights}
    assert "table_spacing" not in names


def test_gradients_reach_weights_and_palette():
    weight = tf.Variable([[0.9, -0.9, 0.1]])
    palette = tf.Variable(np.linspace(-1, 1, 16).astype(np.float32))
    with tf.GradientTape() as tape:
        values, most = palette_values(weight, palette)
        loss = tf.reduce_sum(values * [[1.0, 2.0, 3.0]])
    moved = tape.gradient(loss, palette)
    assert float(most) == 1.0
    assert [float(moved[1]), float(moved[8]), float(moved[14])] == [2.0, 3.0, 1.0]
    np.testing.assert_allclose(values, [[0.866, -0.866, 0.063]], atol=0.004)
