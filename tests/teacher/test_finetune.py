"""What fine-tuning leaves."""

import dataclasses

import numpy as np
import pytest

from ei_bert_tf.recipe import Recipe
from ei_bert_tf.task import Task
from ei_bert_tf.teacher.backbone import load_teacher
from ei_bert_tf.teacher.finetune import finetune
from tests.make_tiny_teacher import write_teacher

TASK = Task("classification", ("text",), "label", "accuracy", ("bad", "good"))

SHORT = Recipe(teacher_epochs=1, teacher_least_steps=0, teacher_class_steps=0)


def kernel_after_one_step(folder, average):
    """The classifier's kernel before and after a single step of fine-tuning."""
    teacher = load_teacher(str(folder), 2, seed=0)
    before = np.array(teacher.classifier.kernel)
    encoded = teacher.tokenizer.encode(["a good day", "the bad film"], None, 9)
    targets = np.array([1, 0], np.int32)
    recipe = dataclasses.replace(SHORT, teacher_average=average)
    finetune(
        teacher,
        TASK,
        recipe,
        (encoded, targets),
        (encoded, targets),
        3,
        folder / "training",
        lambda *_: None,
    )
    return before, np.array(teacher.classifier.kernel)


def test_the_running_mean_of_the_weights_stays(tmp_path):
    write_teacher(tmp_path)
    before, last = kernel_after_one_step(tmp_path, 0.0)
    _, mean = kernel_after_one_step(tmp_path, 0.999)
    assert np.abs(last - before).max() > 1e-6
    # After one step the decay is (1 + 1) / (10 + 1).
    np.testing.assert_allclose(mean, before + 9 / 11 * (last - before), atol=1e-7)


@pytest.mark.parametrize("average", [1.0, 1.5])
def test_a_decay_of_one_or_more_is_refused(average):
    with pytest.raises(ValueError, match=r"teacher_average is .*below 1"):
        Recipe(teacher_average=average)


def test_rows_of_the_embedding_move_where_train_uses_them(tmp_path):
    write_teacher(tmp_path)
    teacher = load_teacher(str(tmp_path), 2, seed=0)
    table = teacher.backbone.token_embedding.embeddings
    before = table.numpy().copy()
    encoded = teacher.tokenizer.encode(["a good day", "the bad film"], None, 9)
    targets = np.array([1, 0], np.int32)
    recipe = SHORT
    train = (encoded, targets)
    finetune(
        teacher, TASK, recipe, train, train, 3, tmp_path / "training", lambda *_: None
    )
    moved = np.flatnonzero((table.numpy() != before).any(axis=1))
    # Padding has a row, but nothing looks at it.
    assert moved.tolist() == sorted(set(encoded.ids.ravel().tolist()) - {0})
