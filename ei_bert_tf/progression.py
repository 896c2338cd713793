"""Several sizes in one run: each student is made from the one before it.

The largest is an ordinary run. Each smaller one has a run of its own that shares the
teacher, the attention and the copies with it, and starts from the student before it
where an ordinary one starts from the teacher.
"""

import dataclasses
import hashlib
import pathlib
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.distillation.removal import Removal
from ei_bert_tf.errors import InputError
from ei_bert_tf.job import Job
from ei_bert_tf.pipeline import Pipeline
from ei_bert_tf.preparation import Preparation
from ei_bert_tf.recipe import EMBEDDING_FORMS, LOSS_WEIGHTS, StudentConfig
from ei_bert_tf.stages import CHECKPOINTS
from ei_bert_tf.student.layers import DropoutSource
from ei_bert_tf.student.shrinking import principal_axes, slice_student
from ei_bert_tf.student.units import Units, open_gates
from ei_bert_tf.training import stage_seed
from ei_bert_tf.weights import save_weights


class SmallerPipeline(Pipeline):
    """A run whose student starts from that of a finished one.

    Args:
        former: of a larger student, after its last stage.
        others: as for Pipeline.
    """

    def __init__(
        self,
        prepared: Preparation,
        folder: pathlib.Path,
        resume: bool,
        shared: pathlib.Path | None,
        former: Pipeline,
    ):
        super().__init__(prepared, folder, resume, shared)
        self._former = former

    def _distillation_stage(self) -> None:
        """The former student, before its quantization, without what has to go."""
        recipe, config, former = self.recipe, self.config, self._former
        self.store.depend_on(
            [
                recipe.choices("student", "epoch_texts", "layers", "removal"),
                recipe.choices("norm", "attention_form"),
                recipe.choices("statistics_texts", "keep_by", "task_layers"),
                recipe.choices(*LOSS_WEIGHTS),
                config.to_json(),
                self.job.method,
                former.config.to_json(),
                _digest(former.student),
            ]
        )

        def run(folder: pathlib.Path) -> dict[str, Any]:
            seed = stage_seed(self.job.seed, "distillation")
            dropout = DropoutSource(recipe.student_dropout, seed, tf.Variable(0))
            wide, gates, gated = self._gated_student(dropout, seed)
            removal = Removal(
                gates,
                gated,
                wide,
                config,
                self.curriculum.piece_weights,
                recipe.removal_scores,
                recipe.removal_steps,
            )
            value = self._distil(
                gated, wide, recipe, seed, folder, dropout, removal=removal
            )
            pieces = np.arange(config.vocabulary_size)
            student = slice_student(
                gated, wide, config, gates.numpy(), pieces, None, seed
            )
            save_weights(folder / "student.safetensors", student.weights)
            return {"held_out": value, "value": self._student_value(student)}

        self._take_distilled(*self.store.run("distillation", run))

    def _gated_student(
        self, dropout: DropoutSource, seed: int
    ) -> tuple[StudentConfig, Units, tf.keras.Model]:
        """The former student with the smaller vocabulary and stream, which are cut at
        once, and with gates on all that goes little by little."""
        former, curriculum = self._former, self.curriculum
        wide = dataclasses.replace(
            former.config,
            vocabulary_size=self.config.vocabulary_size,
            hidden_size=self.config.hidden_size,
        )
        pieces = np.searchsorted(former.curriculum.kept, curriculum.kept)
        gates = open_gates(wide)
        sample = self.prepared.sample(self.recipe.statistics_texts, self.tokenizer)
        gated = slice_student(
            former.student,
            former.config,
            wide,
            gates.numpy(),
            pieces,
            sample,
            seed,
            dropout,
            gates,
        )
        if self.config.embedding_size < wide.embedding_size:
            principal_axes(gated, curriculum.piece_weights)
        return wide, gates, gated


def progression(
    sizes: Sequence[Preparation],
    folder: pathlib.Path,
    resume: bool,
    shared: pathlib.Path | None,
) -> Iterator[tuple[pathlib.Path, Pipeline]]:
    """The runs of several sizes, from the largest: folder and pipeline of each.

    A pipeline has to be run before the next one is asked for.

    Args:
        sizes: of `preparations`.
        folder: a size's run is in a folder in it.
        resume, shared: as for Pipeline; the sizes always share stages.
    """
    if shared is None:
        shared = folder / CHECKPOINTS
        if not resume and shared.exists():
            shutil.rmtree(shared)
    former = None
    for prepared in sizes:
        place = folder / str(prepared.job.max_model_bytes)
        if former is None:
            pipeline = Pipeline(prepared, place, resume, shared)
        else:
            pipeline = SmallerPipeline(prepared, place, resume, shared, former)
        yield place, pipeline
        former = pipeline


def preparations(job: Job) -> list[Preparation]:
    """What is settled for each size of a job, from the largest.

    Raises:
        InputError: a size that no student has, or a form of student that can't be cut.
    """
    recipe = job.read_recipe()
    if job.max_flash_bytes or job.max_macs:
        raise InputError(
            "--sizes: with --max_flash_bytes or --max_macs, which search for one shape"
        )
    if recipe.distinct_blocks or recipe.embedding_form != EMBEDDING_FORMS[0]:
        raise InputError(
            "--sizes: with distinct_blocks or a product embedding in the recipe, which "
            "have no smaller part"
        )
    largest, *smaller = job.sizes
    try:
        found = [Preparation(dataclasses.replace(job, max_model_bytes=largest))]
        for size in smaller:
            found.append(found[-1].smaller(size))
    except InputError as error:
        shown = str(error).replace("--max_model_bytes", "--sizes", 1)
        raise InputError(shown) from error
    return found


def _digest(student: tf.keras.Model) -> str:
    digest = hashlib.sha256()
    for value in student.get_weights():
        digest.update(value.tobytes())
    return digest.hexdigest()
