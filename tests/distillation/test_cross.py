"""Teacher and student train together: who moves, and when one is pulled back."""

import dataclasses

import numpy as np
import pytest

from ei_bert_tf.compat import tf
from ei_bert_tf.distillation.cross import SharedTexts, refine
from ei_bert_tf.recipe import Recipe, StudentConfig
from ei_bert_tf.student.encoder import build_student
from ei_bert_tf.task import Task
from ei_bert_tf.teacher.backbone import load_teacher
from tests.make_tiny_teacher import HIDDEN, write_teacher

_TASK = Task("classification", ("text",), "label", "accuracy", ("bad", "good"))
_TEXTS = [f"a {word} day" for word in ("good", "bad", "fine", "sad")] * 16
_TASK_LAYERS = ("pooler", "classifier")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("teacher")
    write_teacher(path)
    return path


@pytest.fixture(autouse=True)
def eager():
    """So few steps are done before they would be traced."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def own_answers(teacher, encoded):
    """The teacher's classes, after its bias is moved so that both are as frequent."""
    names = ("ids", "mask", "segment_ids")
    batch = {name: getattr(encoded, name) for name in names}
    logits = teacher(batch)["logits"].numpy()
    middle = np.median(logits[:, 1] - logits[:, 0])
    teacher.classifier.bias.assign([0.0, -middle])
    return np.argmax(logits - [0.0, middle], axis=1).astype(np.int32)


def refined(folder, tmp_path, teacher_is_right=False, **choices):
    """Refines a fresh student.

    Returns teacher, student, the weights of both before, those of the student's task
    layers, and the outcome.
    """
    choices = {"student_batch_size": 16} | choices
    tf.keras.utils.set_random_seed(1)
    teacher = load_teacher(str(folder), 2, seed=0)
    pieces = teacher.tokenizer.pieces
    config = StudentConfig(len(pieces), 13, 1, 6, 4, 1, 5, 7, HIDDEN, 2)
    student = build_student(config)
    encoded = teacher.tokenizer.encode(_TEXTS, None, 13)
    targets = np.array([1, 0] * 32, np.int32)
    if teacher_is_right:
        targets = own_answers(teacher, encoded)
    texts = SharedTexts(encoded, encoded, targets)
    recipe = dataclasses.replace(Recipe(), **choices)
    before = ([w.numpy() for w in teacher.model.weights], student.get_weights())
    layers = {name: student.get_layer(name).get_weights() for name in _TASK_LAYERS}
    outcome = refine(
        student,
        config,
        teacher,
        _TASK,
        recipe,
        texts,
        texts,
        3,
        tmp_path / "training",
        lambda *_: None,
        [],
    )
    return teacher, student, before, layers, outcome


def changed(model, before):
    return [
        not np.array_equal(weight, old)
        for weight, old in zip(model.get_weights(), before, strict=True)
    ]


def test_both_move_and_the_embedding_stands_still(folder, tmp_path):
    teacher, student, before, _, outcome = refined(
        folder, tmp_path, refinement_teacher_learning_rate=1e-4
    )
    moved = changed(teacher.model, before[0])
    still = [
        weight.path
        for weight, move in zip(teacher.model.weights, moved, strict=True)
        if not move
    ]
    assert any("token_embedding" in path for path in still)
    assert sum(moved) > 10
    assert any(changed(student, before[1]))
    assert outcome.pulled_back == 0


def test_an_epoch_shorter_than_its_examinations(folder, tmp_path):
    _, student, before, *_ = refined(
        folder,
        tmp_path,
        student_batch_size=64,
        refinement_epochs=2,
        refinement_teacher_learning_rate=0.0,
    )
    assert any(changed(student, before[1]))


def test_a_teacher_that_falls_is_pulled_back(folder, tmp_path):
    # At a rate that ruins it, a teacher that was always right.
    *_, outcome = refined(
        folder,
        tmp_path,
        teacher_is_right=True,
        refinement_teacher_learning_rate=1.0,
        refinement_student_weight=100.0,
    )
    assert outcome.teacher_before == 1.0
    assert outcome.pulled_back > 0
    assert outcome.teacher_after == 1.0


def test_a_still_teacher_stands_still(folder, tmp_path):
    teacher, student, before, _, outcome = refined(
        folder, tmp_path, refinement_teacher_learning_rate=0.0, task_layers="shared"
    )
    assert not any(changed(teacher.model, before[0]))
    assert any(changed(student, before[1]))
    assert outcome.teacher_after == outcome.teacher_before


@pytest.mark.parametrize("task_layers", ["shared", "frozen"])
def test_task_layers_that_are_not_copies(folder, tmp_path, task_layers):
    teacher, student, _, layers, _ = refined(
        folder,
        tmp_path,
        refinement_teacher_learning_rate=1e-4,
        task_layers=task_layers,
    )
    for name in _TASK_LAYERS:
        moved = changed(student.get_layer(name), layers[name])
        assert all(moved) if task_layers == "shared" else not any(moved)
    if task_layers == "shared":
        pairs = (
            (student.get_layer("pooler"), teacher.backbone.pooled_dense),
            (student.get_layer("classifier"), teacher.classifier),
        )
        for mine, theirs in pairs:
            np.testing.assert_array_equal(mine.kernel, theirs.kernel)


def after_one_step(folder, tmp_path, **choices):
    name = "-".join(map(str, choices.values()))
    teacher, student, *_ = refined(
        folder,
        tmp_path / name,
        student_batch_size=64,
        refinement_teacher_learning_rate=1e-4,
        **choices,
    )
    return teacher.model.get_weights(), student.get_weights()


def same(one, other):
    return all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


def test_neither_loss_has_a_gradient_for_the_other_side(folder, tmp_path):
    plain = after_one_step(folder, tmp_path)
    teacher_s = after_one_step(folder, tmp_path, refinement_student_weight=7.0)
    assert not same(plain[0], teacher_s[0])
    assert same(plain[1], teacher_s[1])
    student_s = after_one_step(folder, tmp_path, task_weight=7.0)
    assert same(plain[0], student_s[0])
    assert not same(plain[1], student_s[1])


def test_shared_task_layers_are_moved_by_the_teacher_s_loss_too(folder, tmp_path):
    found = []
    for weight in (0.0, 7.0):
        _, student, *_ = refined(
            folder,
            tmp_path / str(weight),
            student_batch_size=64,
            refinement_teacher_learning_rate=1e-4,
            refinement_student_weight=weight,
            task_layers="shared",
        )
        found.append(student)
    for name in _TASK_LAYERS:
        weights = [student.get_layer(name).get_weights() for student in found]
        assert not same(*weights)
