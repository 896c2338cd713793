"""The loop of all trainings, above all that a killed one goes on to the same end."""

import numpy as np
import pytest

from ei_bert_tf import training
from ei_bert_tf.compat import tf
from ei_bert_tf.errors import InputError
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student, student_inputs
from ei_bert_tf.student.layers import DropoutSource
from ei_bert_tf.training import adam, enough_steps, run_epochs, stage_seed

STEPS, TOTAL = 4, 11


class Killed(Exception):
    pass


def weights_after(checkpoint, kill_at=None):
    """Trains a line by Adam; returns all of its state, and the epochs reported."""
    line = tf.Variable([0.5, -0.25])
    largest = tf.Variable(0.0)
    optimizer = adam(0.1, [line])
    epochs = []

    def epoch_batches(epoch):
        values = np.random.default_rng(epoch).normal(size=(STEPS, 2))
        return tf.data.Dataset.from_tensor_slices(values.astype(np.float32))

    @tf.function(autograph=False)
    def step(batch):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(line * batch - 1.0))
        optimizer.apply_gradients([(tape.gradient(loss, line), line)])
        return {"loss": loss}

    def end_epoch():
        largest.assign(tf.maximum(largest, tf.reduce_max(line)))
        return {"largest": float(largest)}

    def report(kind, step, total, values):
        assert step <= total == TOTAL
        if kind == "epoch":
            epochs.append(step)
        if (kind, step) == kill_at:
            raise Killed

    state = [line, largest, *optimizer.weights]
    run_epochs(TOTAL, epoch_batches, step, end_epoch, state, checkpoint, report)
    return [variable.numpy().tolist() for variable in state], epochs


@pytest.mark.parametrize(
    "kill_at", [("step", 1), ("step", 2), ("step", 4), ("epoch", 8), ("step", 11)]
)
def test_a_killed_training_ends_with_the_same_weights(tmp_path, monkeypatch, kill_at):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    expected, epochs = weights_after(tmp_path / "whole")
    assert epochs == [4, 8, 11]
    checkpoint = tmp_path / "killed"
    with pytest.raises(Killed):
        weights_after(checkpoint, kill_at)
    assert checkpoint.is_file() == (kill_at[1] > 1)
    found, rest = weights_after(checkpoint)
    assert found == expected
    assert rest == [step for step in epochs if step >= kill_at[1]]


def test_a_checkpoint_of_a_finished_training_trains_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    expected, _ = weights_after(tmp_path / "state")
    assert weights_after(tmp_path / "state") == (expected, [])


def test_adam_starts_where_the_variables_are():
    line = tf.Variable([0.5, -0.25])
    optimizer = adam(0.1, [line])
    assert line.numpy().tolist() == [0.5, -0.25]
    assert [int(tf.reduce_sum(tf.abs(w))) for w in optimizer.weights] == [0, 0, 0]


def test_stages_have_their_own_seeds():
    seeds = {stage_seed(seed, name) for seed in (0, 1) for name in ("ab", "ba", "a")}
    assert len(seeds) == 6
    assert stage_seed(0, "teacher") == stage_seed(0, "teacher") < 2**31


def test_dropout_follows_from_the_step():
    source = DropoutSource(0.5, 7, tf.Variable(0))
    config = StudentConfig(37, 13, 2, 12, 6, 3, 5, 14, 20, 3)
    student = build_student(config, dropout=source)
    assert len(student.weights) == len(build_student(config).weights)
    ids = np.arange(26).reshape(2, 13)
    inputs = student_inputs(config, {"ids": ids, "mask": np.ones_like(ids)})

    def features(step):
        source.step.assign(step)
        return student(inputs, training=True)["features"].numpy()

    first, second = features(3), features(4)
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(features(3), first)


def test_a_loss_that_is_not_finite_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    values = [1.0, 2.0, float("nan")]

    def epoch_batches(_):
        return tf.data.Dataset.from_tensor_slices(values)

    with pytest.raises(InputError, match="no finite loss at step 3 of 3"):
        run_epochs(
            3,
            epoch_batches,
            lambda batch: {"loss": batch},
            dict,
            [],
            tmp_path / "state",
            lambda *_: None,
        )


@pytest.mark.parametrize(
    ("epochs", "least_steps", "found"),
    [(3, 0, 12), (3, 12, 12), (3, 13, 13), (1, 100, 100), (0, 100, 0)],
)
def test_few_texts_take_more_steps(epochs, least_steps, found):
    # 33 texts are 3 batches of 10 and one of 3.
    assert enough_steps(epochs, 33, 10, least_steps) == found
