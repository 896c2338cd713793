"""The student's trainer: one compiled step, in float and under quantization.

B batch, C outputs, H width of the features.
"""

import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.distillation.lessons import Lessons
from ei_bert_tf.distillation.removal import Removal
from ei_bert_tf.distillation.token_lessons import TokenLessons
from ei_bert_tf.losses import squared_distance, task_loss
from ei_bert_tf.metrics import metric_value
from ei_bert_tf.recipe import Recipe, StudentConfig
from ei_bert_tf.schedule import warmup_then_linear
from ei_bert_tf.student.encoder import student_inputs
from ei_bert_tf.task import Task
from ei_bert_tf.text.batches import TEXT_SIGNATURE, batches, epoch_rows
from ei_bert_tf.text.wordpiece import Encoded
from ei_bert_tf.training import (
    WARMING_BATCHES,
    Report,
    adam,
    enough_steps,
    run_epochs,
)

_EVALUATION_BATCH = 256
_TASK_LAYERS = ("pooler", "classifier")


def train_student(
    student: tf.keras.Model,
    config: StudentConfig,
    task: Task,
    recipe: Recipe,
    lessons: Lessons,
    held_out: tuple[Encoded, np.ndarray],
    epochs: int,
    least_steps: int,
    learning_rate: float,
    seed: int,
    checkpoint: pathlib.Path,
    report: Report,
    tokens: TokenLessons | None = None,
    steps: Sequence[tf.Variable] = (),
    warm_ranges: bool = False,
    keep_zeros: bool = False,
    noise_steps: float = 0.0,
    removal: Removal | None = None,
) -> float:
    """Trains in place for a fixed number of epochs or steps; the last weights stay.

    loss = logits_weight * MSE(logits) + features_weight * MSE(features)
           + task_weight * task loss + the loss of `tokens`; without a teacher the
    task loss alone.

    Args:
        epochs, least_steps: as enough_steps.
        checkpoint: file of run_epochs.
        report: shows progress.
        tokens: what the methods layerwise and relation add.
        steps: integer variables that are to hold the step's number: what dropout and
            pruning follow from.
        warm_ranges: passes a few batches first, so that the fake quantizers have
            ranges before the first gradient.
        keep_zeros: what is 0 in a matrix at the start stays 0.
        noise_steps: standard deviation of normal noise on the logits, in int8 steps of
            their range in the batch; it follows from `seed` and the step.
        removal: closes gates of the student.

    Returns:
        The metric on held-out train.
    """
    extras = {"targets": lessons.targets}
    taught = lessons.logits is not None
    if taught:
        extras |= {"logits": lessons.logits, "features": lessons.features}
    model = student
    if tokens is not None:
        extras |= tokens.extras
        model = _with_taps(student, tokens.taps)

    def epoch_batches(epoch: int) -> tf.data.Dataset:
        rows = epoch_rows(len(lessons.encoded), recipe.epoch_texts, seed, epoch)
        size = recipe.student_batch_size
        return batches(lessons.encoded, extras, size, seed + epoch, rows)

    size = recipe.student_batch_size
    texts = len(epoch_rows(len(lessons.encoded), recipe.epoch_texts, seed, 0))
    total = enough_steps(epochs, texts, size, least_steps)
    schedule = warmup_then_linear(learning_rate, total, recipe.warmup_share)
    variables = moving_variables(student, recipe.task_layers == "copied")
    zeros = []
    if keep_zeros:
        matrices = [variable for variable in variables if len(variable.shape) > 1]
        zeros = [(matrix, tf.cast(matrix != 0.0, matrix.dtype)) for matrix in matrices]
    if tokens is not None:
        variables = [*variables, *tokens.variables]
    gates: list[tf.Variable] = []
    if removal is not None:
        removal.plan(total)
        gates = removal.gates
    optimizer = adam(schedule, variables)
    signature = [epoch_batches(0).element_spec]

    @tf.function(input_signature=signature, autograph=False)
    def train_step(batch):
        for step in steps:
            step.assign(tf.cast(optimizer.iterations, step.dtype))
        with tf.GradientTape() as tape:
            outputs = model(student_inputs(config, batch), training=True)
            if noise_steps:
                noise = _noise(outputs["logits"], seed, optimizer.iterations)
                outputs["logits"] += noise_steps * noise
            loss = task_loss(task, batch["targets"], outputs["logits"])
            if taught:
                loss = (
                    recipe.task_weight * loss
                    + recipe.logits_weight
                    * squared_distance(outputs["logits"], batch["logits"])
                    + recipe.features_weight
                    * squared_distance(outputs["features"], batch["features"])
                )
            if tokens is not None:
                loss += tokens.loss(outputs, batch)
        gradients, of_gates = tape.gradient(loss, [variables, gates])
        gradients, _ = tf.clip_by_global_norm(gradients, 1.0)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        for variable, kept in zeros:
            variable.assign(variable * kept)
        if removal is not None:
            removal.after_step(optimizer.iterations, of_gates)
        return {"loss": loss}

    if warm_ranges and not checkpoint.is_file():
        _observe(student, config, epoch_batches(0))
    predict = predictor(student, config)

    def end_epoch():
        value = metric_value(task.metric, predict(held_out[0]), held_out[1])
        return {f"held_out_{task.metric}": value}

    state = [*student.weights, *(tokens.variables if tokens else ())]
    state += [*optimizer.weights, *(removal.variables if removal else ())]
    run_epochs(total, epoch_batches, train_step, end_epoch, state, checkpoint, report)
    if removal is not None:
        removal.finish()
    return metric_value(task.metric, predict(held_out[0]), held_out[1])


def _noise(logits: tf.Tensor, seed: int, step: tf.Variable) -> tf.Tensor:
    """Normal noise of one int8 step of the logits' range, [B, C]."""
    size = tf.stop_gradient(tf.reduce_max(logits) - tf.reduce_min(logits)) / 255.0
    seeds = tf.stack([tf.constant(seed, tf.int64), step])
    return size * tf.random.stateless_normal(tf.shape(logits), seeds)


def measure_ranges(
    student: tf.keras.Model,
    config: StudentConfig,
    task: Task,
    encoded: Encoded,
    held_out: tuple[Encoded, np.ndarray],
    batch_size: int,
    seed: int,
) -> float:
    """Gives a student's fake quantizers the ranges of some texts, and trains nothing.

    Returns:
        The metric on held-out train.
    """
    _observe(student, config, batches(encoded, {}, batch_size, seed))
    return metric_value(
        task.metric, predictor(student, config)(held_out[0]), held_out[1]
    )


def _observe(student: tf.keras.Model, config: StudentConfig, texts: tf.data.Dataset):
    @tf.function(input_signature=[texts.element_spec], autograph=False)
    def observe(batch):
        student(student_inputs(config, batch), training=True)

    for batch in texts.take(WARMING_BATCHES):
        observe(batch)


def moving_variables(student: tf.keras.Model, task_layers: bool) -> list[tf.Variable]:
    """The variables that a training moves, with or without the teacher's task layers.

    TFMOT's wrapper lists the constant mask table among the trainable weights. A pooler
    that the projection is folded into always moves, for the projection does.
    """
    still: set[int] = set()
    if not task_layers:
        names = _TASK_LAYERS
        if not any(layer.name == "task_projection" for layer in student.layers):
            names = ("classifier",)
        for name in names:
            still |= {id(variable) for variable in _layer(student, name).weights}
    return [
        variable
        for variable in student.trainable_variables
        if variable.trainable and id(variable) not in still
    ]


def _layer(student: tf.keras.Model, name: str) -> tf.keras.layers.Layer:
    """The layer of that name, in whatever wrapper of TFMOT's."""
    return next(
        layer
        for layer in student.layers
        if layer.name in (name, f"quant_{name}", f"prune_low_magnitude_{name}")
    )


def _with_taps(student: tf.keras.Model, taps: Sequence[str]) -> tf.keras.Model:
    """The student with the outputs of the layers `taps` beside its own."""
    tapped = {name: _layer(student, name).output for name in taps}
    return tf.keras.Model(student.inputs, {**student.output, **tapped})


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
