"""The stages in order: what each reads and what it leaves (stages.py has when)."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.palette import cluster_student, copy_clustered
from ei_bert_tf.compression.quantization import (
    copy_quantized,
    float_weights,
    quantize_student,
)
from ei_bert_tf.compression.sparsity import (
    prunable_student,
    pruning_steps,
    take_pruned,
)
from ei_bert_tf.conversion.int8 import convert
from ei_bert_tf.conversion.lookup_tables import with_lookup_tables
from ei_bert_tf.curriculum import Curriculum
from ei_bert_tf.distillation.cross import refine
from ei_bert_tf.distillation.lessons import write_outputs
from ei_bert_tf.distillation.trainer import predictor, train_student
from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.parity import check_same_logits
from ei_bert_tf.metrics import metric_value
from ei_bert_tf.preparation import Preparation
from ei_bert_tf.progress import Progress
from ei_bert_tf.recipe import LOSS_WEIGHTS
from ei_bert_tf.stages import CHECKPOINTS, FLOAT_STUDENT, TRAINING, Stages
from ei_bert_tf.student.encoder import build_student
from ei_bert_tf.student.folding import copy_weights, fold_task_projection
from ei_bert_tf.student.inheritance import initial_student
from ei_bert_tf.student.layers import DropoutSource
from ei_bert_tf.teacher.finetune import finetune, teacher_outputs
from ei_bert_tf.text.wordpiece import WordPiece
from ei_bert_tf.training import stage_seed
from ei_bert_tf.version import __version__
from ei_bert_tf.vocabulary.importance import attention_importance
from ei_bert_tf.weights import load_weights, save_weights

STAGES = (
    "teacher",
    "vocabulary",
    "augmentation",
    "distillation",
    "refinement",
    "pruning",
    "quantization",
    "palette",
)
_BYTES_PER_FLOAT = 4
_COMPARED_TEXTS = 200  # In TFLM, with look-up tables and without.
_OF_REFINED_TEACHER = ("held_out_before", "pulled_back")


class Pipeline:
    """One run: a prepared job to a `model.tflite`.

    Attributes:
        stages: what the manifest lists, filled as the stages finish.
        store: their folders.
        curriculum: what the student learns from.
        model: the int8 file, after its stage.
        lookup_table_model: the file with 4-bit weights, empty where none is asked for.
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
        self.model = b""
        self.lookup_table_model = b""
        tf.config.experimental.enable_op_determinism()
        self.store = Stages(folder / CHECKPOINTS, resume, shared)
        self.store.depend_on([__version__, *prepared.inputs()])

    def run(self, stages: Sequence[str] = STAGES, again: bool = False) -> bytes:
        """Runs neighbours in STAGES, after checking that those before them are done.

        Args:
            stages: which.
            again: whether to run them although they were finished.

        Returns:
            model.tflite, empty when `stages` end before the last of STAGES.

        Raises:
            InputError: a stage before them is not done, or they are no neighbours.
        """
        first = STAGES.index(stages[0]) if stages and stages[0] in STAGES else 0
        if not stages or tuple(stages) != STAGES[first : first + len(stages)]:
            raise InputError(
                f"stages {', '.join(stages)!r}: accepted: neighbours in "
                f"{', '.join(STAGES)}"
            )
        self.store.expect(STAGES[:first])
        for stage in stages if again else ():
            self.store.forget(stage)
        for stage in STAGES[: first + len(stages)]:
            getattr(self, f"_{stage}_stage")()
        return self.model

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
        load_weights(folder / "teacher.safetensors", teacher.model.weights)
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

    def _distillation_stage(self) -> None:
        recipe, config = self.recipe, self.config
        # The first stage of cross-distillation is that of a still teacher.
        method = "kd" if self.job.method == "cross" else self.job.method
        self.store.depend_on(
            [
                recipe.choices("student", "epoch_texts", "layers", "norm"),
                recipe.choices("statistics_texts", "keep_by", "task_layers"),
                recipe.choices(*LOSS_WEIGHTS),
                config.to_json(),
                method,
                self.job.student_start,
            ]
        )

        def run(folder: pathlib.Path) -> dict[str, Any]:
            seed = stage_seed(self.job.seed, "distillation")
            dropout = DropoutSource(recipe.student_dropout, seed, tf.Variable(0))
            cut, kept = self.curriculum.cut(), self.curriculum.kept
            student = initial_student(
                self.teacher,
                config,
                kept,
                self.curriculum.piece_weights,
                cut,
                seed,
                self.job.student_start,
                dropout,
            )
            tokens = self.curriculum.token_lessons(cut)
            value = train_student(
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
                tokens=tokens,
                steps=[dropout.step],
            )
            save_weights(folder / "student.safetensors", student.weights)
            if tokens is not None:
                save_weights(folder / "tokens.safetensors", tokens.variables)
            return {"held_out": value, "value": self._student_value(student)}

        done, folder = self.store.run("distillation", run)
        self.student = build_student(config)
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
        """Teacher and student train together; the moved teacher guides from here on."""
        if not self._refines:
            return
        recipe, prepared, teacher = self.recipe, self.prepared, self.teacher
        read = self.curriculum.shared
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
            save_weights(folder / "student.safetensors", student.weights)
            save_weights(folder / "teacher.safetensors", teacher.model.weights)
            texts = read(self.curriculum.examples()).teacher
            outputs = teacher_outputs(teacher, texts, self._progress("answers"))
            write_outputs(folder / "outputs.npz", outputs)
            logits = teacher_outputs(teacher, read(prepared.dataset.evaluate).teacher)
            return {
                "held_out": refined.student,
                "value": self._student_value(student),
                "teacher": {
                    "held_out": refined.teacher_after,
                    "value": self._metric(logits.logits),
                    "held_out_before": refined.teacher_before,
                    "pulled_back": refined.pulled_back,
                },
            }

        done, folder = self.store.run("refinement", run)
        load_weights(folder / "student.safetensors", self.student.weights)
        load_weights(folder / "teacher.safetensors", teacher.model.weights)
        self.curriculum.outputs_files = [folder / "outputs.npz"]
        refined = done["teacher"]  # Both come out of the same seconds.
        self._add_stage("teacher_refined", done | refined, teacher.parameters)
        self.stages[-1] |= {key: refined[key] for key in _OF_REFINED_TEACHER}
        self._add_stage("student_before_qat", done, self.student.count_params())

    def _pruning_stage(self) -> None:
        """Leaves the student in its exported form, with zeros where they are asked."""
        recipe, config = self.recipe, self.config
        self.folded = build_student(config, folded=True)
        fold_task_projection(self.student, self.folded)
        target = self.job.target_sparsity
        if not target:
            return
        self.store.depend_on([target, recipe.choices("pruning", "quantization")])

        def run(folder: pathlib.Path) -> dict[str, Any]:
            texts = len(self.curriculum.examples())
            texts = min(texts, recipe.epoch_texts or texts)
            steps = -(-texts // recipe.student_batch_size) * recipe.pruning_epochs
            prunable = prunable_student(self.folded, target, steps)
            value = self._train_folded(
                prunable,
                "pruning",
                recipe.pruning_epochs,
                0,
                folder,
                steps=pruning_steps(prunable),
            )
            take_pruned(prunable, self.folded)
            save_weights(folder / "student.safetensors", self.folded.weights)
            return {"held_out": value, "value": self._student_value(self.folded)}

        done, folder = self.store.run("pruning", run)
        load_weights(folder / "student.safetensors", self.folded.weights)
        self._add_stage("student_pruned", done, self.folded.count_params())

    def _quantization_stage(self) -> None:
        recipe, config = self.recipe, self.config
        self.store.depend_on([recipe.choices("quantization"), self.job.max_model_bytes])

        def run(folder: pathlib.Path) -> dict[str, Any]:
            quantized = quantize_student(self.folded)
            value = self._train_folded(
                quantized,
                "quantization",
                recipe.quantization_epochs,
                recipe.quantization_least_steps,
                folder,
                warm_ranges=True,
                keep_zeros=self.job.target_sparsity > 0,
            )
            final = build_student(config, folded=True)
            float_weights(quantized, final)
            save_weights(folder / FLOAT_STUDENT, final.weights)
            fixed = quantize_student(
                build_student(config, fixed_tokens=True, folded=True)
            )
            copy_quantized(quantized, fixed)
            model = convert(fixed, config)
            if len(model) > self.job.max_model_bytes:
                raise InputError(
                    f"--max_model_bytes={self.job.max_model_bytes}: the file came out "
                    f"at {len(model)}"
                )
            (folder / "model.tflite").write_bytes(model)
            return {
                "held_out": value,
                "value": self._student_value(final),
                "fake_quantized_value": self._student_value(quantized),
            }

        done, folder = self.store.run("quantization", run)
        self._add_stage("student_float", done, self.folded.count_params())
        self.model = (folder / "model.tflite").read_bytes()

    def _palette_stage(self) -> None:
        """The finished student once more, with weights of 16 values each."""
        recipe, config = self.recipe, self.config
        if not self.job.lookup_table_weights:
            return
        self.store.depend_on(recipe.choices("palette"))

        def run(folder: pathlib.Path) -> dict[str, Any]:
            final = build_student(config, folded=True)
            quantization = self.store.folder / "quantization"
            load_weights(quantization / FLOAT_STUDENT, final.weights)
            clustered = cluster_student(final)
            value = self._train_folded(
                clustered,
                "palette",
                recipe.palette_epochs,
                recipe.palette_least_steps,
                folder,
                warm_ranges=True,
            )
            fixed = quantize_student(
                build_student(config, fixed_tokens=True, folded=True)
            )
            copy_clustered(clustered, fixed)
            model = convert(fixed, config)
            packed = with_lookup_tables(model)
            texts, _ = self.curriculum.held_out()
            rows = np.arange(min(_COMPARED_TEXTS, len(texts)))
            check_same_logits(model, packed, texts.take(rows))
            (folder / "model.tflite").write_bytes(packed)
            return {"held_out": value, "value": self._student_value(clustered)}

        _, folder = self.store.run("palette", run)
        self.lookup_table_model = (folder / "model.tflite").read_bytes()

    def _train_folded(
        self,
        student: tf.keras.Model,
        stage: str,
        epochs: int,
        least_steps: int,
        folder: pathlib.Path,
        **how: Any,
    ) -> float:
        """Trains a student in its exported form; `how` goes to train_student."""
        return train_student(
            student,
            self.config,
            self.task,
            self.recipe,
            self.curriculum.lessons().behind_pooler(self.teacher),
            self.curriculum.held_out(),
            epochs,
            least_steps,
            self.recipe.quantization_learning_rate,
            stage_seed(self.job.seed, stage),
            folder / TRAINING,
            self._progress(stage),
            tokens=self.curriculum.final_token_lessons(),
            **how,
        )

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
