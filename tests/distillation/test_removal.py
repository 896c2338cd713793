"""Gates that a training closes, by a schedule and by scores."""

import numpy as np
import pytest

from ei_bert_tf.compat import tf
from ei_bert_tf.distillation.removal import Removal
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student, student_inputs
from ei_bert_tf.student.scores import magnitude_scores, taylor_scores
from ei_bert_tf.student.units import open_gates

LARGE = StudentConfig(37, 13, 3, 12, 7, 4, 5, 14, 20, 3)
SMALL = StudentConfig(37, 13, 2, 12, 5, 1, 5, 6, 20, 3)
STEPS = 200
# Of each group in Units.groups().
BEFORE = [7, *(4, 4, 4), *(14, 14, 14), 3]
AFTER = [5, *(1, 1, 1), *(6, 6, 6), 2]


def student_and_gates():
    gates = open_gates(LARGE)
    student = build_student(LARGE, gates=gates)
    generator = np.random.default_rng(0)
    for weight in student.trainable_weights:
        weight.assign(weight + 0.3 * generator.normal(size=weight.shape))
    return student, gates


def run(scores, cuts, steps=STEPS, gradient=None):
    """The open units of each group after each step."""
    student, gates = student_and_gates()
    removal = Removal(gates, student, LARGE, SMALL, np.zeros(37), scores, cuts)
    removal.plan(steps)
    gradient = gradient or [tf.ones_like(gate) for gate in removal.gates]

    @tf.function(autograph=False)
    def step(done):
        removal.after_step(done, gradient)

    history = []
    for done in range(1, steps + 1):
        step(tf.constant(done, tf.int64))
        history.append([int(gate.numpy().sum()) for gate in removal.gates])
    return removal, student, gates, np.array(history)


def test_units_go_little_by_little_and_all_that_has_to():
    _, _, _, history = run("magnitude", 5)
    assert history[0].tolist() == BEFORE
    assert history[-1].tolist() == AFTER
    assert (np.diff(history, axis=0) <= 0).all()
    changes = np.flatnonzero(np.diff(history, axis=0).any(axis=1)) + 2
    # After 20 batches, evenly until half of the steps are over.
    assert changes.tolist() == [20, 40, 60, 80, 100][: len(changes)]
    assert len(changes) >= 4
    neurons = history[[19, 39, 59, 79, 99], 4]
    cubic = 6 + 8 * (1 - np.arange(1, 6) / 5) ** 3
    assert neurons.tolist() == np.round(cubic).tolist()


def test_one_cut_is_a_schedule_of_one_step():
    _, _, _, history = run("magnitude", 1)
    assert history[18].tolist() == BEFORE
    assert history[19].tolist() == AFTER


def test_the_smallest_magnitudes_go():
    _, student, gates, _ = run("magnitude", 3)
    scores = magnitude_scores(student, LARGE, np.zeros(37))
    for gate, score in zip(gates.groups(), scores.groups(), strict=True):
        gate, score = gate.numpy(), score.numpy()
        assert score[gate == 1].min() >= score[gate == 0].max()


def test_a_closed_gate_stays_closed_whatever_its_score_becomes():
    student, gates = student_and_gates()
    removal = Removal(gates, student, LARGE, SMALL, np.zeros(37), "magnitude", 5)
    removal.plan(STEPS)
    gradient = [tf.ones_like(gate) for gate in removal.gates]
    removal.after_step(tf.constant(20), gradient)
    closed = gates.neurons[1].numpy() == 0
    assert closed.any()
    kernel = student.get_layer("block_1_feed_forward").kernel
    kernel.assign(kernel * np.where(closed, 100.0, 1.0))
    removal.after_step(tf.constant(100), gradient)
    assert gates.neurons[1].numpy().sum() == SMALL.feed_forward_size
    assert not gates.neurons[1].numpy()[closed].any()


def test_by_taylor_what_the_loss_feels_least_goes():
    generator = np.random.default_rng(2)
    gradient = [tf.constant(generator.normal(size=size), tf.float32) for size in BEFORE]
    _, _, gates, _ = run("taylor", 3, gradient=gradient)
    for gate, score in zip(gates.groups(), gradient, strict=True):
        gate, score = gate.numpy(), np.abs(score.numpy())
        assert score[gate == 1].min() >= score[gate == 0].max()


@pytest.mark.parametrize("steps", [1, 3])
def test_a_short_training_ends_with_the_smaller_shape_too(steps):
    removal, _, _, _ = run("taylor", 10, steps)
    removal.finish()
    assert [int(gate.numpy().sum()) for gate in removal.gates] == AFTER


def test_a_gate_s_gradient_is_what_closing_it_costs_to_first_order():
    student, gates = student_and_gates()
    ids = np.arange(26).reshape(2, 13)
    inputs = student_inputs(LARGE, {"ids": ids, "mask": np.ones_like(ids)})

    def loss():
        return tf.reduce_sum(student(inputs)["logits"] ** 2)

    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, gates.groups())
    scores = taylor_scores(gates, gradients)
    step = 1e-2
    for gate, score in zip(gates.groups(), scores, strict=True):
        assert score.shape == gate.shape
        gate.assign(tf.tensor_scatter_nd_sub(gate, [[0]], [step]))
        changed = abs(float(loss()) - float(value)) / step
        gate.assign(tf.ones_like(gate))
        assert float(score[0]) == pytest.approx(changed, rel=0.1, abs=0.02)
