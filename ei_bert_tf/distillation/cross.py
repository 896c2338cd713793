"""Cross-distillation's second stage: teacher and student train together.

EI-BERT (arXiv 2507.04636) lets the teacher keep learning with a small rate while it
sees the student's state, so that its targets become ones that the student can follow.
What the paper is known to say stands in docs/method.md; weights and schedule are ours.

B batch, T tokens, C outputs, H width of the features.
"""

import dataclasses
import pathlib

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.distillation.lessons import teacher_batch, teacher_extras
from ei_bert_tf.distillation.trainer import moving_variables, predictor
from ei_bert_tf.losses import prediction_distance, squared_distance, task_loss
from ei_bert_tf.metrics import metric_value
from ei_bert_tf.recipe import Recipe, StudentConfig
from ei_bert_tf.schedule import warmup_then_linear
from ei_bert_tf.student.encoder import student_inputs
from ei_bert_tf.task import Task
from ei_bert_tf.teacher.backbone import Teacher
from ei_bert_tf.teacher.finetune import teacher_outputs
from ei_bert_tf.teacher.forward import forward
from ei_bert_tf.text.batches import batches, epoch_rows
from ei_bert_tf.text.wordpiece import Encoded
from ei_bert_tf.training import Report, adam, run_epochs

CHECKS_PER_EPOCH = 4
STEPS_BETWEEN_CHECKS = 25  # At least, so that examinations cost little.
TOLERANCE = 0.01  # One point of the metric.


@dataclasses.dataclass(frozen=True)
class Refined:
    """What became of both on held-out train.

    Attributes:
        student: its metric at the end.
        teacher_before, teacher_after: the teacher's metric, reading what it reads here.
        pulled_back: how often the teacher had to return to its fine-tuned weights.
    """

    student: float
    teacher_before: float
    teacher_after: float
    pulled_back: int


@dataclasses.dataclass(frozen=True)
class SharedTexts:
    """Texts as both read them.

    Attributes:
        student, teacher: N texts in the ids that each reads.
        targets: [N], as task.py has them.
    """

    student: Encoded
    teacher: Encoded
    targets: np.ndarray


def refine(
    student: tf.keras.Model,
    config: StudentConfig,
    teacher: Teacher,
    task: Task,
    recipe: Recipe,
    train: SharedTexts,
    held_out: SharedTexts,
    seed: int,
    checkpoint: pathlib.Path,
    report: Report,
    steps: list[tf.Variable],
) -> Refined:
    """Trains both in place, in one compiled step with two optimizers.

    With f features, z logits, y targets, s student, t teacher and sg for no gradient:

    student: task_weight * task(z_s, y) + features_weight * MSE(f_s, sg f_t)
             + logits_weight * KL(sg z_t || z_s)
    teacher: task(z_t, y) + refinement_student_weight
             * (features_weight * MSE(f_t, sg f_s) + logits_weight * KL(sg z_s || z_t))

    The teacher has no dropout here: its answers are the student's targets. Four times
    an epoch (fewer in one of less than 100 steps) it is examined on held-out train;
    when it has lost more than a point it returns to its fine-tuned weights with fresh
    moments. `shared` task layers are one set of variables that both losses move.

    Args:
        student: float, trained by the first stage.
        teacher: fine-tuned.
        checkpoint: file of run_epochs.
        steps: as in train_student.
    """
    moves = recipe.refinement_teacher_learning_rate > 0
    shared = recipe.task_layers == "shared" and moves
    student_variables = moving_variables(
        student, task_layers=recipe.task_layers == "copied" or shared
    )
    teacher_variables = _teacher_variables(teacher, recipe) if moves else []
    fine_tuned = [variable.numpy() for variable in teacher_variables]
    task_layers = _student_task_layers(student) if shared else _task_layers(teacher)

    def epoch_batches(epoch: int) -> tf.data.Dataset:
        return batches(
            train.student,
            {"targets": train.targets, **teacher_extras(train.teacher)},
            recipe.student_batch_size,
            seed + epoch,
            epoch_rows(len(train.student), recipe.epoch_texts, seed, epoch),
        )

    epoch_steps = int(epoch_batches(0).cardinality())
    parts = max(1, min(CHECKS_PER_EPOCH, epoch_steps // STEPS_BETWEEN_CHECKS))
    count = epoch_steps // parts

    def check_batches(check: int) -> tf.data.Dataset:
        epoch, part = divmod(check, parts)
        return (
            epoch_batches(epoch)
            .skip(part * count)
            .take(count)
            .apply(tf.data.experimental.assert_cardinality(count))
        )

    total = recipe.refinement_epochs * parts * count

    def optimizer_of(rate: float, variables: list):
        schedule = warmup_then_linear(rate, total, recipe.warmup_share)
        return adam(schedule, variables)

    student_optimizer = optimizer_of(
        recipe.refinement_student_learning_rate, student_variables
    )
    optimizers = [(student_optimizer, student_variables)]
    if moves:
        rate = recipe.refinement_teacher_learning_rate
        optimizers.append((optimizer_of(rate, teacher_variables), teacher_variables))

    def answers(batch):
        own = teacher_batch(batch)
        states = forward(
            teacher.backbone,
            own["ids"],
            own["mask"],
            own["segment_ids"],
            task_only=True,
        )
        kernel, bias, class_kernel, class_bias = task_layers
        pooled = tf.tanh(tf.matmul(states.features, kernel) + bias)
        return states.features, tf.matmul(pooled, class_kernel) + class_bias

    @tf.function(input_signature=[check_batches(0).element_spec], autograph=False)
    def train_step(batch):
        for step in steps:
            step.assign(tf.cast(student_optimizer.iterations, step.dtype))
        with tf.GradientTape() as tape:
            outputs = student(student_inputs(config, batch), training=True)
            features, logits = answers(batch)
            still = tf.stop_gradient
            loss = (
                recipe.task_weight
                * task_loss(task, batch["targets"], outputs["logits"])
                + recipe.features_weight
                * squared_distance(outputs["features"], still(features))
                + recipe.logits_weight
                * prediction_distance(task, outputs["logits"], still(logits))
            )
            values = {"loss": loss}
            if moves:
                towards_student = recipe.features_weight * squared_distance(
                    features, still(outputs["features"])
                ) + recipe.logits_weight * prediction_distance(
                    task, logits, still(outputs["logits"])
                )
                teacher_loss = (
                    task_loss(task, batch["targets"], logits)
                    + recipe.refinement_student_weight * towards_student
                )
                values["teacher_loss"] = teacher_loss
                loss += teacher_loss
        gradients = tape.gradient(loss, [variables for _, variables in optimizers])
        for (optimizer, variables), own in zip(optimizers, gradients, strict=True):
            clipped, _ = tf.clip_by_global_norm(own, 1.0)
            optimizer.apply_gradients(zip(clipped, variables, strict=True))
        return values

    def examined() -> float:
        if shared:
            _give_task_layers(student, teacher)
        outputs = teacher_outputs(teacher, held_out.teacher)
        return metric_value(task.metric, outputs.logits, held_out.targets)

    predict = predictor(student, config)

    def student_value() -> float:
        return metric_value(task.metric, predict(held_out.student), held_out.targets)

    before = examined()
    after = tf.Variable(before, dtype=tf.float64)
    pulled_back = tf.Variable(0, dtype=tf.int64)

    def end_check() -> dict[str, float]:
        value = examined() if moves else before
        if value < before - TOLERANCE:
            _pull_back(optimizers[1][0], teacher_variables, fine_tuned)
            pulled_back.assign_add(1)
            value = examined()
        after.assign(value)
        return {
            f"held_out_{task.metric}": student_value(),
            f"teacher_held_out_{task.metric}": value,
        }

    optimizer_state = [weight for opt, _ in optimizers for weight in opt.weights]
    run_epochs(
        total,
        check_batches,
        train_step,
        end_check,
        [
            *student.weights,
            *teacher_variables,
            *optimizer_state,
            after,
            pulled_back,
        ],
        checkpoint,
        report,
    )
    if shared:
        _give_task_layers(student, teacher)
    return Refined(
        student_value(), before, float(after.numpy()), int(pulled_back.numpy())
    )


def _teacher_variables(teacher: Teacher, recipe: Recipe) -> list[tf.Variable]:
    """What moves of the teacher: what fine-tuning moved, without task layers that are
    frozen or the student's."""
    if recipe.task_layers == "copied":
        still: list = []
    else:
        still = [*teacher.backbone.pooled_dense.weights, *teacher.classifier.weights]
    ids = {id(variable) for variable in still}
    teacher.backbone.token_embedding.trainable = False
    return [
        variable.value
        for variable in teacher.model.trainable_variables
        if id(variable) not in ids
    ]


def _task_layers(teacher: Teacher) -> list[tf.Variable]:
    """Pooler's and classifier's kernels and biases."""
    pooler, classifier = teacher.backbone.pooled_dense, teacher.classifier
    return [
        variable.value
        for layer in (pooler, classifier)
        for variable in (layer.kernel, layer.bias)
    ]


def _student_task_layers(student: tf.keras.Model) -> list[tf.Variable]:
    layers = [student.get_layer(name) for name in ("pooler", "classifier")]
    return [variable for layer in layers for variable in (layer.kernel, layer.bias)]


def _give_task_layers(student: tf.keras.Model, teacher: Teacher) -> None:
    """The teacher's own task layers become those that both have moved."""
    pairs = zip(_student_task_layers(student), _task_layers(teacher), strict=True)
    for source, target in pairs:
        target.assign(source)


def _pull_back(optimizer, variables: list, fine_tuned: list[np.ndarray]) -> None:
    for variable, value in zip(variables, fine_tuned, strict=True):
        variable.assign(value)
    # The first weight is the number of steps, which the schedule goes by.
    for moment in optimizer.weights[1:]:
        moment.assign(tf.zeros_like(moment))
