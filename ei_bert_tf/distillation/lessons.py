"""What the student learns from, and the files that it is kept in.

N texts, B batch, T tokens, C outputs, H width of the features.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.teacher.backbone import Teacher
from ei_bert_tf.teacher.finetune import TeacherOutputs
from ei_bert_tf.text.wordpiece import Encoded


@dataclasses.dataclass(frozen=True)
class Lessons:
    """Texts in the student's own ids, and the teacher's word.

    Attributes:
        encoded: N texts.
        targets: [N], as task.py has them.
        logits: float32 [N, C] of the teacher, None for learning without one.
        features: float32 [N, H] of the teacher, None likewise.
    """

    encoded: Encoded
    targets: np.ndarray
    logits: np.ndarray | None
    features: np.ndarray | None

    def behind_pooler(self, teacher: Teacher) -> "Lessons":
        """The same with features as they are behind the teacher's pooler, where a
        student has them whose task projection is folded into it."""
        if self.features is None:
            return self
        pooler = teacher.backbone.pooled_dense
        kernel, bias = pooler.kernel.value.numpy(), pooler.bias.value.numpy()
        return dataclasses.replace(
            self, features=np.tanh(self.features @ kernel + bias)
        )


def teacher_extras(encoded: Encoded) -> dict[str, np.ndarray]:
    """Arrays [N, ...] with which a teacher's ids travel beside the student's."""
    return {
        "teacher_ids": encoded.ids,
        "teacher_lengths": encoded.lengths,
        "teacher_segment_ids": encoded.segment_ids.astype(np.uint8),
    }


def teacher_batch(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """What the teacher reads of a batch with teacher_extras: `ids`, `mask` and
    `segment_ids` int32 [B, T], T of its longest text."""
    lengths = batch["teacher_lengths"]
    tokens = tf.reduce_max(lengths)
    return {
        "ids": batch["teacher_ids"][:, :tokens],
        "mask": tf.sequence_mask(lengths, tokens, tf.int32),
        "segment_ids": tf.cast(batch["teacher_segment_ids"][:, :tokens], tf.int32),
    }


def write_outputs(file: pathlib.Path, outputs: TeacherOutputs) -> None:
    """Keeps what a still teacher says, so that it has to say it once only."""
    np.savez(file, **dataclasses.asdict(outputs))


def read_outputs(files: Sequence[pathlib.Path]) -> tuple[np.ndarray, np.ndarray]:
    """Logits float32 [N, C] and features float32 [N, H] of all the files."""
    logits, features = [], []
    for file in files:
        with np.load(file) as outputs:
            logits.append(outputs["logits"])
            features.append(outputs["features"])
    return np.concatenate(logits), np.concatenate(features)
