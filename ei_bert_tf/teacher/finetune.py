"""Fine-tunes the teacher and computes what it says about texts.

B batch, H hidden size, C outputs.
"""

import dataclasses
import pathlib

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.losses import task_loss
from ei_bert_tf.metrics import metric_value
from ei_bert_tf.recipe import Recipe
from ei_bert_tf.schedule import warmup_then_linear
from ei_bert_tf.task import Task
from ei_bert_tf.teacher.backbone import Teacher
from ei_bert_tf.teacher.forward import Dropout
from ei_bert_tf.text.batches import batches
from ei_bert_tf.text.wordpiece import Encoded
from ei_bert_tf.training import Report, adam, enough_steps, run_epochs

_EVALUATION_BATCH = 64


@dataclasses.dataclass(frozen=True)
class TeacherOutputs:
    """What a teacher says: logits float32 [N, C] and features float32 [N, H]."""

    logits: np.ndarray
    features: np.ndarray


def finetune(
    teacher: Teacher,
    task: Task,
    recipe: Recipe,
    train: tuple[Encoded, np.ndarray],
    held_out: tuple[Encoded, np.ndarray],
    seed: int,
    checkpoint: pathlib.Path,
    report: Report,
) -> float:
    """Fine-tunes in place; the running mean of the weights stays, of the epoch where
    it is best on held-out train, of the last such epoch: a small part of train is often
    all right before the training has settled.

    The mean (Polyak and Juditsky 1992) is exponential, with a decay that grows as
    (1 + n) / (10 + n) over n steps, so that a short training is averaged too.
    Of the embedding table only the rows that train uses are trained, as a table of
    their own: Adam and the mean would touch all the others in each step for nothing.

    Args:
        teacher: with a fresh classifier.
        train, held_out: encoded texts and targets [N].
        checkpoint: file of run_epochs.
        report: shows progress.

    Returns:
        The metric on held_out of the weights that stay.
    """
    encoded, targets = train
    embedding = teacher.backbone.token_embedding
    embedding.trainable = False
    used, compact_ids = np.unique(encoded.ids, return_inverse=True)
    encoded = dataclasses.replace(
        encoded, ids=compact_ids.reshape(encoded.ids.shape).astype(np.int32)
    )
    rows = tf.Variable(tf.gather(embedding.embeddings.value, used))
    variables = [
        rows,
        *(variable.value for variable in teacher.model.trainable_variables),
    ]

    def epoch_batches(epoch: int) -> tf.data.Dataset:
        return batches(
            encoded, {"targets": targets}, recipe.teacher_batch_size, seed + epoch
        )

    total = enough_steps(
        recipe.teacher_epochs,
        len(encoded),
        recipe.teacher_batch_size,
        max(recipe.teacher_least_steps, recipe.teacher_class_steps * task.outputs),
    )
    schedule = warmup_then_linear(
        recipe.teacher_learning_rate, total, recipe.warmup_share
    )
    optimizer = adam(schedule, variables)
    averages = [tf.Variable(variable) for variable in variables]
    best = [tf.Variable(variable) for variable in variables]
    best_value = tf.Variable(-np.inf, dtype=tf.float64)

    @tf.function(input_signature=[epoch_batches(0).element_spec], autograph=False)
    def train_step(batch):
        step_seed = tf.stack([seed, tf.cast(optimizer.iterations, tf.int32)])
        with tf.GradientTape() as tape:
            dropout = Dropout(recipe.teacher_dropout, step_seed)
            outputs = teacher(batch, dropout, table=rows)
            loss = task_loss(task, batch["targets"], outputs["logits"])
        gradients = tape.gradient(loss, variables)
        gradients, _ = tf.clip_by_global_norm(gradients, 1.0)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        step = tf.cast(optimizer.iterations, tf.float32)
        decay = tf.minimum(recipe.teacher_average, (1.0 + step) / (10.0 + step))
        for average, variable in zip(averages, variables, strict=True):
            average.assign_sub((1.0 - decay) * (average - variable))
        return {"loss": loss}

    def take(values):
        _assign(variables, values)
        embedding.embeddings.value.scatter_update(tf.IndexedSlices(rows, used))

    def end_epoch():
        weights = [variable.numpy() for variable in variables]
        take(averages)
        logits = teacher_outputs(teacher, held_out[0]).logits
        value = metric_value(task.metric, logits, held_out[1])
        if value >= best_value:
            best_value.assign(value)
            _assign(best, averages)
        _assign(variables, weights)
        return {f"held_out_{task.metric}": value}

    state = [*variables, *averages, *best, best_value, *optimizer.weights]
    run_epochs(
        total,
        epoch_batches,
        train_step,
        end_epoch,
        state,
        checkpoint,
        report,
    )
    take(best)
    return float(best_value.numpy())


def _assign(variables: list, values: list) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def teacher_outputs(
    teacher: Teacher, encoded: Encoded, report: Report | None = None
) -> TeacherOutputs:
    """Logits and features of every text, in the order given.

    Args:
        report: told of every batch, where there are many.
    """
    classes = teacher.classifier.units
    logits = np.zeros((len(encoded), classes), np.float32)
    features = np.zeros((len(encoded), teacher.backbone.hidden_dim), np.float32)
    dataset = batches(encoded, {}, _EVALUATION_BATCH)
    total = int(dataset.cardinality())
    for number, batch in enumerate(dataset, 1):
        rows = batch["rows"].numpy()
        outputs = teacher.infer(batch)
        logits[rows] = outputs["logits"].numpy()
        features[rows] = outputs["features"].numpy()
        if report is not None:
            report("step" if number < total else "epoch", number, total, {})
    return TeacherOutputs(logits, features)
