"""Units of a student are removed little by little while the teacher guides.

Gates go from 1 to 0, those of the lowest scores first, as many as TFMOT's polynomial
schedule says (Zhu and Gupta 2017, equation 1). A closed gate stays closed. What is
left behind at the end has the smaller shape, and slice_student takes it out.
"""

from collections.abc import Sequence

import numpy as np

from ei_bert_tf.compat import tf, tfmot
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.scores import magnitude_scores, taylor_scores
from ei_bert_tf.student.units import Units, unit_counts

_RAMP = 0.5  # Share of the steps in which gates are closed; the rest heals.
_FIRST = 20  # Batches that scores are summed over before the first gate is closed.


class Removal:
    """What a training has to do to its gates.

    Args:
        gates: of the larger student, all open.
        student: built with them.
        config, smaller: its shape, and the one to arrive at.
        piece_weights: float [V], for magnitudes.
        scores: `magnitude` or `taylor`.
        cuts: how many times gates are closed, evenly spaced; 1 closes all at once.

    Attributes:
        gates: as Units.groups() has them.
        variables: all that `after_step` changes, for a checkpoint.
    """

    def __init__(
        self,
        gates: Units,
        student: tf.keras.Model,
        config: StudentConfig,
        smaller: StudentConfig,
        piece_weights: np.ndarray,
        scores: str,
        cuts: int,
    ):
        self.gates: list[tf.Variable] = gates.groups()
        self._units = gates
        self._magnitudes = lambda: magnitude_scores(student, config, piece_weights)
        self._by_taylor = scores == "taylor"
        self._cuts = cuts
        self._left = unit_counts(smaller, config.layers).groups()
        self._sums = [tf.Variable(tf.zeros_like(gate)) for gate in self.gates]
        self._schedules: list = []
        self._age = 0
        self.variables = [*self.gates, *self._sums]

    def plan(self, steps: int) -> None:
        """Sets the schedules for a training of so many steps."""
        first = max(1, min(_FIRST, int(steps * _RAMP)))
        between = max(1, (int(steps * _RAMP) - first) // max(1, self._cuts - 1))
        # At step `first` the schedule is one interval old, so that the first of
        # several cuts closes something, and a single one everything.
        self._age = between - first
        self._schedules = [
            tfmot.sparsity.keras.PolynomialDecay(
                initial_sparsity=0.0,
                final_sparsity=1.0 - left / int(gate.shape[0]),
                begin_step=0,
                end_step=self._cuts * between,
                frequency=between,
            )
            for gate, left in zip(self.gates, self._left, strict=True)
        ]

    def after_step(self, done: tf.Tensor, gradients: Sequence[tf.Tensor]) -> None:
        """Takes in a batch, in the training's graph, and closes gates where it is time.

        Args:
            done: steps so far, a scalar.
            gradients: of the batch's loss in `gates`.
        """
        taylor = taylor_scores(self._units, gradients)
        for total, score in zip(self._sums, taylor, strict=True):
            total.assign_add(score)
        age = tf.cast(done, tf.int64) + self._age
        scheduled = [schedule(age) for schedule in self._schedules]
        turns = tf.logical_and(scheduled[0][0], age > 0)
        shares = [share for _, share in scheduled]
        tf.cond(turns, lambda: self._close(shares), lambda: None)

    def finish(self) -> None:
        """Closes what a training too short for all cuts has left open."""
        self._close([schedule.final_sparsity for schedule in self._schedules])

    def _close(self, shares: Sequence) -> None:
        """Leaves open the best of what is open, all but a share of each group."""
        scores = self._sums if self._by_taylor else self._magnitudes().groups()
        for gate, score, share in zip(self.gates, scores, shares, strict=True):
            count = int(gate.shape[0])
            left = tf.cast(tf.round((1.0 - share) * count), tf.int32)
            # Scores are positive: what is closed ranks behind all that is open.
            order = tf.argsort(
                tf.where(gate > 0.0, score, -1.0), direction="DESCENDING"
            )
            rank = tf.math.invert_permutation(order)
            gate.assign(tf.cast(rank < left, gate.dtype))
        for total in self._sums:
            total.assign(tf.zeros_like(total))
