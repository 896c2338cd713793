"""A student as a slice of a larger one: it computes the same, or what gates leave."""

import dataclasses

import numpy as np
import pytest

from ei_bert_tf.compat import tf
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student, student_inputs
from ei_bert_tf.student.scores import magnitude_scores
from ei_bert_tf.student.shrinking import principal_axes, slice_student
from ei_bert_tf.student.slicing import Slice, add_norms, norm_places, rotation, sliced
from ei_bert_tf.student.units import Units, open_gates
from ei_bert_tf.text.wordpiece import Encoded

CONFIG = StudentConfig(37, 13, 3, 12, 7, 3, 5, 14, 20, 3)
ALL = np.arange(37)


def filled(config, gates=None):
    """A student with weights of all kinds, biases and norms too."""
    student = build_student(config, gates=gates)
    generator = np.random.default_rng(0)
    for weight in student.trainable_weights:
        one = 1.0 if "gamma" in weight.name else 0.0
        weight.assign(one + 0.3 * generator.normal(size=weight.shape))
    return student


def texts(rows=40, pieces=37):
    generator = np.random.default_rng(1)
    lengths = generator.integers(1, 14, rows).astype(np.int32)
    real = np.arange(13)[None, :] < lengths[:, None]
    ids = generator.integers(1, pieces, (rows, 13)) * real
    segments = generator.integers(0, 2, (rows, 13)) * real
    return Encoded(ids.astype(np.int32), lengths, segments.astype(np.int32))


def answers(student, config, encoded):
    batch = {
        "ids": encoded.ids,
        "mask": encoded.mask,
        "segment_ids": encoded.segment_ids,
    }
    return student(student_inputs(config, batch))["logits"].numpy()


def scores_of(config):
    return open_gates(config).numpy()


@pytest.mark.parametrize(
    ("norm", "form"), [("layer", "softmax"), ("rms", "relu"), ("affine", "softmax")]
)
@pytest.mark.parametrize("pair", [False, True])
def test_a_slice_of_the_same_shape_computes_the_same(norm, pair, form):
    config = dataclasses.replace(CONFIG, norm=norm, pair=pair, attention_form=form)
    student = filled(config)
    same = slice_student(student, config, config, scores_of(config), ALL, None, 0)
    expected = answers(student, config, texts())
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(answers(same, config, texts()), expected, atol=1e-5)


@pytest.mark.parametrize("norm", ["layer", "rms", "affine"])
@pytest.mark.parametrize("closed_block", [0, 1, 2])
def test_units_with_closed_gates_can_be_taken_out(norm, closed_block):
    config = dataclasses.replace(CONFIG, norm=norm)
    gates = open_gates(config)
    student = filled(config, gates)
    whole = answers(student, config, texts())
    gates.embedding.assign([1, 0, 1, 1, 1, 0, 1])
    for heads, neurons in zip(gates.heads, gates.neurons, strict=True):
        heads.assign([1, 0, 1])
        neurons.assign(np.arange(14) % 3 > 0)
    gates.blocks.assign(np.arange(3) != closed_block)
    gated = answers(student, config, texts())
    assert np.abs(gated - whole).max() > 0.01
    smaller = dataclasses.replace(
        config, layers=2, heads=2, feed_forward_size=9, embedding_size=5
    )
    small = slice_student(student, config, smaller, gates.numpy(), ALL, None, 0)
    np.testing.assert_allclose(answers(small, smaller, texts()), gated, atol=1e-5)


def test_gates_of_1_change_nothing():
    gates = open_gates(CONFIG)
    student, gated = filled(CONFIG), filled(CONFIG, gates)
    np.testing.assert_allclose(
        answers(gated, CONFIG, texts()), answers(student, CONFIG, texts()), atol=1e-5
    )


def test_pieces_that_stay_mean_the_same():
    student = filled(CONFIG)
    pieces = np.array([0, 1, *range(5, 37, 3)])
    smaller = dataclasses.replace(CONFIG, vocabulary_size=len(pieces))
    small = slice_student(student, CONFIG, smaller, scores_of(CONFIG), pieces, None, 0)
    encoded = texts(pieces=len(pieces))
    before = dataclasses.replace(encoded, ids=pieces[encoded.ids])
    np.testing.assert_allclose(
        answers(small, smaller, encoded), answers(student, CONFIG, before), atol=1e-5
    )


def test_principal_axes_compute_the_same_and_their_magnitudes_are_singular_values():
    student = filled(CONFIG)
    weights = np.linspace(0, 5, 37)
    expected = answers(student, CONFIG, texts())
    principal_axes(student, weights)
    np.testing.assert_allclose(answers(student, CONFIG, texts()), expected, atol=1e-4)
    (table,) = student.get_layer("embedding").get_weights()
    kernel, _ = student.get_layer("embedding_projection").get_weights()
    rows = np.sqrt(weights + 1)[:, None] * (table @ kernel)
    singular = np.linalg.svd(rows, compute_uv=False)[:7]
    found = magnitude_scores(student, CONFIG, weights).embedding
    np.testing.assert_allclose(found, singular, rtol=1e-4)


def test_a_narrower_stream_that_holds_all_states_computes_the_same():
    """Of 12 dimensions the states fill 8, none of them an axis."""
    narrow = dataclasses.replace(CONFIG, hidden_size=8, norm="affine")
    student = filled(narrow)
    for layer in student.layers:
        if layer.name.endswith("norm_scale"):
            layer.gamma.assign(tf.ones_like(layer.gamma))
    wide = dataclasses.replace(narrow, hidden_size=12)
    basis = rotation(12, 0)[:8].astype(np.float32)
    every = [np.arange(3)] * 3, [np.arange(14)] * 3
    weights = {one.name: one.get_weights() for one in student.layers if one.weights}
    shifts = [weights[f"{norm}_shift"][0] for norm, _ in norm_places(narrow)]
    norms = [(np.ones(12, np.float32), shift @ basis) for shift in shifts]
    cut = Slice(basis, 1.0, [0, 1, 2], *every, norms)
    widened = sliced(weights, wide, cut)
    kernel, bias = weights["embedding_projection"]
    widened["embedding_projection"] = [kernel @ basis, bias @ basis]
    widened["embedding"] = weights["embedding"]
    add_norms(widened, wide, cut)
    larger = build_student(wide)
    for name, values in widened.items():
        larger.get_layer(name).set_weights(values)
    expected = answers(student, narrow, texts())
    np.testing.assert_allclose(answers(larger, wide, texts()), expected, atol=1e-4)
    small = slice_student(larger, wide, narrow, scores_of(wide), ALL, texts(200), 3)
    np.testing.assert_allclose(answers(small, narrow, texts()), expected, atol=1e-3)


@pytest.mark.parametrize("pair", [False, True])
def test_a_narrower_stream_keeps_most_of_the_answer(pair):
    config = dataclasses.replace(CONFIG, pair=pair)
    student, encoded = filled(config), texts(200)
    expected = answers(student, config, encoded)
    found = []
    for size in (11, 2):
        smaller = dataclasses.replace(config, hidden_size=size)
        scores = scores_of(config)
        small = slice_student(student, config, smaller, scores, ALL, encoded, 0)
        given = answers(small, smaller, encoded)
        found.append(np.corrcoef(given.ravel(), expected.ravel())[0, 1])
    assert found[0] > 0.8
    assert found[0] > found[1]


def test_magnitudes_by_hand():
    student = filled(CONFIG)
    found = magnitude_scores(student, CONFIG, np.zeros(37))
    values, _ = student.get_layer("block_1_value").get_weights()
    outputs, _ = student.get_layer("block_1_attention_output").get_weights()
    expected = np.linalg.norm(values[:, 10:15]) * np.linalg.norm(outputs[10:15])
    np.testing.assert_allclose(found.heads[1][2], expected, rtol=1e-5)
    first, _ = student.get_layer("block_2_feed_forward").get_weights()
    second, _ = student.get_layer("block_2_feed_forward_output").get_weights()
    expected = np.linalg.norm(first[:, 3]) * np.linalg.norm(second[3])
    np.testing.assert_allclose(found.neurons[2][3], expected, rtol=1e-5)
    expected = np.linalg.norm([*found.heads[0], *found.neurons[0]])
    np.testing.assert_allclose(found.blocks[0], expected, rtol=1e-5)
    assert [len(group) for group in found.groups()] == [7, 3, 3, 3, 14, 14, 14, 3]
    assert isinstance(found, Units)


def test_what_rms_norms_would_scale_goes_into_the_weights(monkeypatch):
    config = dataclasses.replace(CONFIG, norm="rms")
    student = filled(config)
    weights = {
        layer.name: layer.get_weights() for layer in student.layers if layer.weights
    }
    generator = np.random.default_rng(2)
    gains = {
        norm: generator.uniform(0.3, 3.0, 1).astype(np.float32)
        for norm, _ in norm_places(config)
    }
    norms = [(gain, weights[f"{norm}_shift"][0]) for norm, gain in gains.items()]
    multiply = tf.keras.layers.Multiply.call

    def with_gain(layer, inputs):
        norm = layer.name.removesuffix("_normal")
        return multiply(layer, inputs) * gains.get(norm, 1.0)

    with monkeypatch.context() as patch:
        patch.setattr(tf.keras.layers.Multiply, "call", with_gain)
        expected = answers(filled(config), config, texts())
    assert np.abs(answers(student, config, texts()) - expected).max() > 0.1
    add_norms(weights, config, Slice(np.eye(12), 1.0, [0, 1, 2], [], [], norms))
    for name, values in weights.items():
        student.get_layer(name).set_weights(values)
    found = answers(student, config, texts())
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())
