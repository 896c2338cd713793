"""The student's trainer: one compiled step, in float and under quantization.

B batch, C outputs, H width of the features.
"""

import pathlib
from collections.abc import Callable

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.distillation.lessons import Lessons
from ei_bert_tf.losses import squared_distance, task_loss
from ei_bert_tf.metrics import metric_value
from ei_bert_tf.recipe import Recipe, StudentConfig
from ei_bert_tf.schedule import warmup_then_linear
from ei_bert_tf.student.encoder import student_inputs
from ei_bert_tf.student.layers import DropoutSource
from ei_bert_tf.task import Task
from ei_bert_tf.text.batches import TEXT_SIGNATURE, batches
from ei_bert_tf.text.wordpiece import Encoded
from ei_bert_tf.training import Report, adam, run_epochs

_EVALUATION_BATCH = 256


def train_student(
    student: tf.keras.Model,
    config: StudentConfig,
    task: Task,
    recipe: Recipe,
    lessons: Lessons,
    held_out: tuple[Encoded, np.ndarray],
    epochs: int,
    learning_rate: float,
    seed: int,
    checkpoint: pathlib.Path,
    report: Report,
    dropout: DropoutSource | None = None,
    warm_ranges: bool = False,
) -> float:
    """Trains in place for a fixed number of epochs; the last weights stay.

    loss = logits_weight * MSE(logits) + features_weight * MSE(features)
           + task_weight * task loss; without a teacher the task loss alone.

    Args:
        checkpoint: file of run_epochs.
        report: shows progress.
        dropout: what the student was built with; its step is set here.
        warm_ranges: passes a few batches first, so that the fake quantizers have
            ranges before the first gradient.

    Returns:
        The metric on held-out train.
    """
    extras = {"targets": lessons.targets}
    taught = lessons.logits is not None
    if taught:
        extras |= {"logits": lessons.logits, "features": lessons.features}

    def epoch_batches(epoch: int) -> tf.data.Dataset:
        return batches(lessons.encoded, extras, recipe.student_batch_size, seed + epoch)

    steps = int(epoch_batches(0).cardinality())
    schedule = warmup_then_linear(learning_rate, steps * epochs, recipe.warmup_share)
    # TFMOT's wrapper lists the constant mask table among the trainable weights.
    variables = [
        variable for variable in student.trainable_variables if variable.trainable
    ]
    optimizer = adam(schedule, variables)
    signature = [epoch_batches(0).element_spec]

    @tf.function(input_signature=signature, autograph=False)
    def train_step(batch):
        if dropout is not None:
            dropout.step.assign(tf.cast(optimizer.iterations, tf.int32))
        with tf.GradientTape() as tape:
            outputs = student(student_inputs(config, batch), training=True)
            loss = task_loss(task, batch["targets"], outputs["logits"])
            if taught:
                loss = (
                    recipe.task_weight * loss
                    + recipe.logits_weight
                    * squared_distance(outputs["logits"], batch["logits"])
                    + recipe.features_weight
                    * squared_distance(outputs["features"], batch["features"])
                )
        gradients = tape.gradient(loss, variables)
        gradients, _ = tf.clip_by_global_norm(gradients, 1.0)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return {"loss": loss}

    if warm_ranges and not checkpoint.is_file():

        @tf.function(input_signature=signature, autograph=False)
        def observe(batch):
            student(student_inputs(config, batch), training=True)

        for batch in epoch_batches(0).take(20):
            observe(batch)
    predict = predictor(student, config)

    def end_epoch():
        value = metric_value(task.metric, predict(held_out[0]), held_out[1])
        return {f"held_out_{task.metric}": value}

    run_epochs(
        epochs,
        epoch_batches,
        train_step,
        end_epoch,
        [*student.weights, *optimizer.weights],
        checkpoint,
        report,
    )
    return metric_value(task.metric, predict(held_out[0]), held_out[1])


def predictor(
    student: tf.keras.Model, config: StudentConfig
) -> Callable[[Encoded], np.ndarray]:
    """A function from texts to logits float32 [N, C], traced once for all calls."""

    @tf.function(input_signature=[TEXT_SIGNATURE], autograph=False)
    def infer(batch):
        return student(student_inputs(config, batch), training=False)["logits"]

    def predict(encoded: Encoded) -> np.ndarray:
        logits = np.zeros((len(encoded), config.outputs), np.float32)
        for batch in batches(encoded, {}, _EVALUATION_BATCH):
            logits[batch["rows"].numpy()] = infer(batch).numpy()
        return logits

    return predict
