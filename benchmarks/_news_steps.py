"""What timed training steps are fed with: full texts of the news, a 1 MB student."""

import dataclasses

import numpy as np

from ei_bert_tf.errors import InputError
from ei_bert_tf.recipe import Recipe, StudentConfig
from ei_bert_tf.student.sizing import choose_config
from ei_bert_tf.task import Task
from ei_bert_tf.teacher.backbone import Teacher
from ei_bert_tf.text.datasets import load_builtin
from ei_bert_tf.text.wordpiece import Encoded

BATCH, TOKENS = 32, 32
# One epoch of everything, however few its steps.
RECIPE = dataclasses.replace(
    Recipe(),
    teacher_epochs=1,
    teacher_least_steps=0,
    teacher_class_steps=0,
    refinement_epochs=1,
    teacher_batch_size=BATCH,
    student_batch_size=BATCH,
)
TASK = Task("classification", ("text",), "label", "accuracy", tuple("abcde"))


@dataclasses.dataclass(frozen=True)
class NewsSteps:
    """N texts that all have TOKENS tokens.

    Attributes:
        teacher, student: in the ids of each; the student's are arbitrary pieces, for
            the time of a step does not depend on which.
        targets: int32 [N].
        config: of a student of 1 MB.
    """

    teacher: Encoded
    student: Encoded
    targets: np.ndarray
    config: StudentConfig


def news_steps(teacher: Teacher, steps: int) -> NewsSteps:
    """Texts for so many steps of BATCH.

    Raises:
        InputError: there are not so many.
    """
    data = load_builtin("bbc_news", None).train
    encoded = teacher.tokenizer.encode(data.texts, None, TOKENS)
    rows = np.flatnonzero(encoded.lengths == TOKENS)[: BATCH * steps]
    if len(rows) < BATCH * steps:
        raise InputError(f"bbc_news: {len(rows)} texts of {TOKENS} tokens")
    encoded, targets = encoded.take(rows), data.targets[rows]
    config = choose_config(
        1_000_000,
        300,
        30_522,
        30_522,
        teacher.backbone.hidden_dim,
        teacher.backbone.num_heads,
        teacher.backbone.intermediate_dim,
        RECIPE.embedding_share,
        max_tokens=TOKENS,
        layers=RECIPE.layers,
        outputs=TASK.outputs,
        norm=RECIPE.norm,
        pair=False,
    )
    ids = encoded.ids % config.vocabulary_size
    student = dataclasses.replace(encoded, ids=ids.astype(np.int32))
    return NewsSteps(encoded, student, targets, config)
