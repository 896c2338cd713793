"""The loop that every training shares: epochs, progress, going on after a kill."""

import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.errors import InputError
from ei_bert_tf.weights import load_weights, save_weights

# A checkpoint of the largest state, the teacher's, takes a third of a second.
SECONDS_BETWEEN_CHECKPOINTS = 30.0
# From which fake quantizers have their ranges before the first gradient.
WARMING_BATCHES = 20


class Report(Protocol):
    """What progress is told to: `kind` is `step` or `epoch`."""

    def __call__(
        self, kind: str, step: int, total: int, values: dict[str, Any]
    ) -> None: ...


def run_epochs(
    total: int,
    epoch_batches: Callable[[int], tf.data.Dataset],
    train_step: Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]],
    end_epoch: Callable[[], dict[str, float]],
    state: Sequence,
    checkpoint: pathlib.Path,
    report: Report,
) -> None:
    """Runs all steps, epoch after epoch, from where `checkpoint` says.

    A run that was killed and goes on ends with the same weights as one that was not,
    if `state` is all that the steps change and each step follows from it alone.

    Args:
        total: how many steps; the last epoch may be cut short.
        epoch_batches: the batches of an epoch, as many in each, of known cardinality.
        train_step: one update; returns what to report.
        end_epoch: called after the last step of each epoch, and of the last one after
            its last step here; returns what to report.
        state: every variable that train_step and end_epoch change.
        checkpoint: file that is read if it is there and written now and then.
        report: told of every step and epoch.

    Raises:
        InputError: the loss is no finite number; the last checkpoint stays.
    """
    steps = int(epoch_batches(0).cardinality())
    position = tf.Variable(0, dtype=tf.int64)
    saved = [position, *state]
    if checkpoint.is_file():
        load_weights(checkpoint, saved)
    done = int(position.numpy())
    last = time.perf_counter()
    while done < total:
        epoch, start = divmod(done, steps)
        end = min((epoch + 1) * steps, total)
        for batch in epoch_batches(epoch).skip(start).take(end - done):
            values = train_step(batch)
            done += 1
            if not all(np.isfinite(float(value)) for value in values.values()):
                raise InputError(
                    f"training: no finite loss at step {done} of {total}; a lower "
                    "learning rate in --recipe may help"
                )
            report("step", done, total, values)
            if done == end:
                report("epoch", done, total, end_epoch())
            if time.perf_counter() - last >= SECONDS_BETWEEN_CHECKPOINTS:
                position.assign(done)
                temporary = checkpoint.with_suffix(".tmp")
                save_weights(temporary, saved)
                temporary.replace(checkpoint)
                last = time.perf_counter()


def enough_steps(epochs: int, texts: int, batch_size: int, least_steps: int) -> int:
    """The steps of so many epochs, and `least_steps` at least; of none stays none."""
    return max(epochs * -(-texts // batch_size), least_steps) if epochs else 0


def adam(schedule, variables: Sequence) -> tf.keras.optimizers.legacy.Optimizer:
    """Adam with its slots made, so that they can be part of a checkpoint.

    The legacy optimizer has one fused update a variable; the newer one has many ops.
    """
    optimizer = tf.keras.optimizers.legacy.Adam(schedule)
    # Slots appear with the first update; one with no gradient changes nothing.
    zeros = [tf.zeros_like(variable) for variable in variables]
    optimizer.apply_gradients(zip(zeros, variables, strict=True))
    optimizer.iterations.assign(0)
    return optimizer


def stage_seed(seed: int, stage: str) -> int:
    """A stage's own seed, so that no stage depends on what ran before it."""
    entropy = [seed, *stage.encode()]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0] >> 1)
