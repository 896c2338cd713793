"""Kills trainings at chosen steps, for the tests of going on."""

import pytest

from ei_bert_tf import training
from ei_bert_tf.progress import Progress


class Killed(Exception):
    """What a training ends with that kill_at has killed."""


def kill_at(
    monkeypatch: pytest.MonkeyPatch, kills: list[tuple[str, int]]
) -> list[tuple[str, int]]:
    """Lets trainings write a checkpoint in each step and raise Killed at some.

    Args:
        kills: (name of the progress, step), in the order in which they come.

    Returns:
        The kills to come, which shrink as they happen.
    """
    left = list(kills)
    real = Progress.__call__

    def killing(self, kind, step, total, values):
        if left and left[0] == (self._stage, step):
            del left[0]
            raise Killed
        return real(self, kind, step, total, values)

    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(Progress, "__call__", killing)
    return left
