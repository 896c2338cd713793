"""The stages up to the float student: what each reads and what it leaves."""

import dataclasses
import pathlib
import shutil
from typing import Any

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.curriculum import Curriculum
from ei_bert_tf.distillation.cross import refine
from ei_bert_tf.distillation.lessons import write_outputs
from ei_bert_tf.distillation.token_lessons import TokenLessons
from ei_bert_tf.distillation.trainer import predictor, train_student
from ei_bert_tf.halving import successive_halving, winner
from ei_bert_tf.metrics import logits_correlation, metric_value
from ei_bert_tf.preparation import Preparation
from ei_bert_tf.progress import Progress
from ei_bert_tf.recipe import LOSS_WEIGHTS, Recipe, StudentConfig
from ei_bert_tf.stages import CHECKPOINTS, TRAINING, Stages
from ei_bert_tf.student.encoder import build_student
from ei_bert_tf.student.folding import copy_weights
from ei_bert_tf.student.inheritance import initial_student
from ei_bert_tf.student.layers import DropoutSource
from ei_bert_tf.teacher.finetune import finetune, teacher_outputs
from ei_bert_tf.text.wordpiece import WordPiece
from ei_bert_tf.training import stage_seed
from ei_bert_tf.version import __version__
from ei_bert_tf.vocabulary.importance import attention_importance
from ei_bert_tf.weights import load_weights, save_weights

FLOAT_STAGES = (
    "teacher",
    "vocabulary",
    "augmentation",
    "distillation",
    "refinement",
)
CANDIDATES = "candidates"  # Its folder, where a shape is searched for.
_BYTES_PER_FLOAT = 4
_OF_REFINED_TEACHER = ("held_out_before", "pulled_back", "student_held_out", "kept")


class FloatPipeline:
    """A prepared job to a float student; Pipeline runs its stages and goes on.

    Attributes:
        stages: what the manifest lists, filled as the stages finish.
        store: their folders.
        fine_tuned: the teacher's weights after its stage.
        curriculum: what the student learns from.
        student: float, after its stages.
        trials: of the shapes that were searched, where there were several.
    """

    def __init__(
        self,
        prepared: Preparation,
        folder: pathlib.Path,
        resume: bool,
        shared: pathlib.Path | None = None,
    ):
        self.prepared = prepared
        self.job, self.recipe = prepared.job, prepared.recipe
        self.task, self.config = prepared.task, prepared.config
        self.teacher = prepared.teacher
        self.curriculum = Curriculum(prepared)
        self.stages: list[dict[str, Any]] = []
        self.trials: list[dict[str, Any]] = []
        tf.config.experimental.enable_op_determinism()
        self.store = Stages(folder / CHECKPOINTS, resume, shared)
        self.store.depend_on([__version__, *prepared.inputs()])

    def _teacher_stage(self) -> None:
        recipe, prepared, teacher = self.recipe, self.prepared, self.teacher
        self.store.depend_on(recipe.choices("teacher", "warmup_share"))

        def run(folder: pathlib.Path) -> dict[str, Any]:
            train, held_out = prepared.train, prepared.held_out
            value = finetune(
                teacher,
                self.task,
                recipe,
                (prepared.corpus.take(np.arange(len(train))), train.targets),
                (prepared.encode(teacher.tokenizer, held_out), held_out.targets),
                stage_seed(self.job.seed, "teacher"),
                folder / TRAINING,
                self._progress("teacher"),
            )
            save_weights(folder / "teacher.safetensors", teacher.model.weights)
            answers = self._progress("answers")
            outputs = teacher_outputs(teacher, prepared.corpus, answers)
            write_outputs(folder / "outputs.npz", outputs)
            evaluated = prepared.encode(teacher.tokenizer, prepared.dataset.evaluate)
            logits = teacher_outputs(teacher, evaluated).logits
            return {"held_out": value, "value": self._metric(logits)}

        done, folder = self.store.run("teacher", run)
        self.fine_tuned = folder / "teacher.safetensors"
        load_weights(self.fine_tuned, teacher.model.weights)
        self.curriculum.outputs_files = [folder / "outputs.npz"]
        self._add_stage("teacher", done, teacher.parameters)

    def _vocabulary_stage(self) -> None:
        prepared = self.prepared

        def run(folder: pathlib.Path) -> dict[str, Any]:
            scores = attention_importance(self.teacher, prepared.corpus)
            ids = prepared.corpus.ids[prepared.corpus.mask == 1]
            np.save(folder / "scores.npy", scores)
            np.save(folder / "counts.npy", np.bincount(ids, minlength=len(scores)))
            return {}

        _, folder = self.store.run("vocabulary", run)
        scores, counts = (np.load(folder / f"{x}.npy") for x in ("scores", "counts"))
        self.curriculum.keep(scores, counts)

    def _augmentation_stage(self) -> None:
        """More texts, and what the teacher says about them; none without a teacher."""
        recipe = self.recipe
        if not self.prepared.copies:
            return
        self.store.depend_on(recipe.choices("augmented"))

        def run(folder: pathlib.Path) -> dict[str, Any]:
            encoded = self.curriculum.write_augmented(folder)
            answers = self._progress("answers")
            outputs = teacher_outputs(self.teacher, encoded, answers)
            write_outputs(folder / "outputs.npz", outputs)
            return {}

        _, folder = self.store.run("augmentation", run)
        self.curriculum.add_augmented(folder)

    def _try_candidates(self) -> None:
        """Of several shapes takes that one which learns best in short trainings.

        It is the beginning of the distillation, in a folder of its own.
        """
        recipe, solution = self.recipe, self.prepared.solution
        if solution is None or len(solution.candidates) == 1:
            return
        shapes = [candidate.config for candidate in solution.candidates]
        self.store.depend_on(
            [recipe.choices("candidate"), self._choices_of_distillation(shapes)]
        )

        def run(folder: pathlib.Path) -> dict[str, Any]:
            prepared = self.prepared
            texts = prepared.encode(self.teacher.tokenizer, prepared.held_out)
            expected = teacher_outputs(self.teacher, texts).logits

            def score(candidate: int, steps: int) -> float:
                self.curriculum.settle(candidate)
                short = dataclasses.replace(
                    recipe,
                    student_epochs=1,
                    student_least_steps=steps,
                    epoch_texts=steps * recipe.student_batch_size,
                )
                working = folder / f"{steps}-{candidate}"
                working.mkdir(exist_ok=True)
                student, value, _ = self._distilled(shapes[candidate], short, working)
                shutil.rmtree(working)
                if self.job.method == "none":
                    return value
                encoded, _ = self.curriculum.held_out()
                logits = predictor(student, shapes[candidate])(encoded)
                return logits_correlation(logits, expected)

            record = folder / "trials.json"
            first = recipe.candidate_steps
            trials = successive_halving(len(shapes), first, score, record)
            return {
                "chosen": winner(trials),
                "trials": [trial.to_json() for trial in trials],
            }

        done, _ = self.store.run(CANDIDATES, run)
        self.curriculum.settle(done["chosen"])
        self.config = self.prepared.config
        self.trials = done["trials"]

    def _distillation_stage(self) -> None:
        self._try_candidates()
        self.store.depend_on(self._choices_of_distillation([self.config]))

        def run(folder: pathlib.Path) -> dict[str, Any]:
            student, value, tokens = self._distilled(self.config, self.recipe, folder)
            save_weights(folder / "student.safetensors", student.weights)
            if tokens is not None:
                save_weights(folder / "tokens.safetensors", tokens.variables)
            return {"held_out": value, "value": self._student_value(student)}

        self._take_distilled(*self.store.run("distillation", run))

    def _choices_of_distillation(self, shapes: list[StudentConfig]) -> list[Any]:
        recipe = self.recipe
        # The first stage of cross-distillation is that of a still teacher.
        method = "kd" if self.job.method == "cross" else self.job.method
        return [
            recipe.choices(
                "student", "epoch_texts", "layers", "norm", "attention_form"
            ),
            recipe.choices("statistics_texts", "keep_by", "task_layers"),
            recipe.choices(*LOSS_WEIGHTS),
            *(shape.to_json() for shape in shapes),
            method,
            self.job.student_start,
        ]

    def _distilled(
        self, config: StudentConfig, recipe: Recipe, folder: pathlib.Path
    ) -> tuple[tf.keras.Model, float, TokenLessons | None]:
        """A slice of the teacher, trained; its metric on held-out train; and what the
        method has added for single tokens."""
        seed = stage_seed(self.job.seed, "distillation")
        dropout = DropoutSource(recipe.student_dropout, seed, tf.Variable(0))
        cut = self.curriculum.cut()
        student = initial_student(
            self.teacher,
            config,
            self.curriculum.kept,
            self.curriculum.piece_weights,
            cut,
            seed,
            self.job.student_start,
            dropout,
        )
        tokens = self.curriculum.token_lessons(cut)
        value = self._distil(
            student, config, recipe, seed, folder, dropout, tokens=tokens
        )
        return student, value, tokens

    def _distil(
        self,
        student: tf.keras.Model,
        config: StudentConfig,
        recipe: Recipe,
        seed: int,
        folder: pathlib.Path,
        dropout: DropoutSource,
        **how: Any,
    ) -> float:
        """Trains a float student; `how` goes to train_student."""
        return train_student(
            student,
            config,
            self.task,
            recipe,
            self.curriculum.lessons(),
            self.curriculum.held_out(),
            recipe.student_epochs,
            recipe.student_least_steps,
            recipe.student_learning_rate,
            seed,
            folder / TRAINING,
            self._progress("student"),
            steps=[dropout.step],
            **how,
        )

    def _take_distilled(self, done: dict[str, Any], folder: pathlib.Path) -> None:
        """Takes up what the stage has left."""
        self.student = build_student(self.config)
        load_weights(folder / "student.safetensors", self.student.weights)
        self.curriculum.token_weights = folder / "tokens.safetensors"
        name = "student_distilled" if self._refines else "student_before_qat"
        self._add_stage(name, done, self.student.count_params())

    @property
    def tokenizer(self) -> WordPiece:
        """The student's."""
        return self.curriculum.tokenizer

    @property
    def _refines(self) -> bool:
        return self.job.method == "cross" and self.recipe.refinement_epochs > 0

    def _refinement_stage(self) -> None:
        """Teacher and student train together; the moved teacher guides from here on.

        Unless the student is worse for it on held-out train: then both are left as
        they were.
        """
        if not self._refines:
            return
        recipe, prepared, teacher = self.recipe, self.prepared, self.teacher
        read = self.curriculum.shared
        distilled = self.stages[-1]
        self.store.depend_on(recipe.choices("refinement"))

        def run(folder: pathlib.Path) -> dict[str, Any]:
            seed = stage_seed(self.job.seed, "refinement")
            dropout = DropoutSource(recipe.student_dropout, seed, tf.Variable(0))
            student = build_student(self.config, dropout=dropout)
            copy_weights(self.student, student)
            refined = refine(
                student,
                self.config,
                teacher,
                self.task,
                recipe,
                read(prepared.lesson_texts),
                read(prepared.held_out),
                seed,
                folder / TRAINING,
                self._progress("refinement"),
                [dropout.step],
            )
            kept = refined.student >= distilled["held_out"]
            student_done = {
                "held_out": refined.student,
                "value": self._student_value(student),
            }
            logits = teacher_outputs(teacher, read(prepared.dataset.evaluate).teacher)
            if kept:
                save_weights(folder / "student.safetensors", student.weights)
                save_weights(folder / "teacher.safetensors", teacher.model.weights)
                texts = read(self.curriculum.examples()).teacher
                outputs = teacher_outputs(teacher, texts, self._progress("answers"))
                write_outputs(folder / "outputs.npz", outputs)
            else:
                student_done = {key: distilled[key] for key in student_done}
            return student_done | {
                "teacher": {
                    "held_out": refined.teacher_after,
                    "value": self._metric(logits.logits),
                    "held_out_before": refined.teacher_before,
                    "pulled_back": refined.pulled_back,
                    "student_held_out": refined.student,
                    "kept": kept,
                },
            }

        done, folder = self.store.run("refinement", run)
        refined = done["teacher"]  # Both come out of the same seconds.
        if refined["kept"]:
            load_weights(folder / "student.safetensors", self.student.weights)
            load_weights(folder / "teacher.safetensors", teacher.model.weights)
            self.curriculum.outputs_files = [folder / "outputs.npz"]
        else:
            load_weights(self.fine_tuned, teacher.model.weights)
        self._add_stage("teacher_refined", done | refined, teacher.parameters)
        self.stages[-1] |= {key: refined[key] for key in _OF_REFINED_TEACHER}
        self._add_stage("student_before_qat", done, self.student.count_params())

    def _add_stage(self, name: str, done: dict[str, Any], parameters: int) -> None:
        self.stages.append(
            {
                "name": name,
                "metric": self.task.metric,
                "value": done["value"],
                "held_out": done["held_out"],
                "bytes": _BYTES_PER_FLOAT * parameters,
                "seconds": done["seconds"],
                "resumed": done["resumed"],
            }
        )

    def _progress(self, name: str) -> Progress:
        return Progress(name, self.store.folder / "logs")

    def _student_value(self, student: tf.keras.Model) -> float:
        encoded = self.prepared.encode(self.tokenizer, self.prepared.dataset.evaluate)
        return self._metric(predictor(student, self.config)(encoded))

    def _metric(self, logits: np.ndarray) -> float:
        targets = self.prepared.dataset.evaluate.targets
        return metric_value(self.task.metric, logits, targets)
