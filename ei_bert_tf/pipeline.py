"""The stages in order, and those that make a float student the file that ships.

stages.py has when a stage runs.
"""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.palette import cluster_student, copy_clustered
from ei_bert_tf.compression.quantization import (
    exported_student,
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
from ei_bert_tf.distillation.trainer import measure_ranges, train_student
from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.parity import check_same_logits
from ei_bert_tf.float_pipeline import CANDIDATES, FLOAT_STAGES, FloatPipeline
from ei_bert_tf.stages import FLOAT_STUDENT, TRAINING
from ei_bert_tf.student.encoder import build_student
from ei_bert_tf.student.folding import fold
from ei_bert_tf.training import stage_seed
from ei_bert_tf.weights import load_weights, save_weights

STAGES = (*FLOAT_STAGES, "pruning", "quantization", "palette")
_COMPARED_TEXTS = 200  # In TFLM, with look-up tables and without.


class Pipeline(FloatPipeline):
    """One run: a prepared job to a `model.tflite`.

    Attributes:
        model: the int8 file, after its stage.
        lookup_table_model: the file with 4-bit weights, empty where none is asked for.
        palette: what the stage that left it says of itself; None likewise.
    """

    model = b""
    lookup_table_model = b""
    palette: dict[str, Any] | None = None

    def run(self, stages: Sequence[str] = STAGES, again: bool = False) -> bytes:
        """Runs neighbours in STAGES, after checking that those before them are done.

        Args:
            stages: which.
            again: whether to run them although they were finished.

        Returns:
            model.tflite, empty when `stages` end before `quantization`.

        Raises:
            InputError: a stage before them is not done, or they are no neighbours.
        """
        first = STAGES.index(stages[0]) if stages and stages[0] in STAGES else 0
        if not stages or tuple(stages) != STAGES[first : first + len(stages)]:
            raise InputError(
                f"stages {', '.join(stages)!r}: accepted: neighbours in "
                f"{', '.join(STAGES)}"
            )
        self.store.expect(_with_trials(STAGES[:first]))
        for stage in _with_trials(stages) if again else ():
            self.store.forget(stage)
        for stage in STAGES[: first + len(stages)]:
            getattr(self, f"_{stage}_stage")()
        return self.model

    def _pruning_stage(self) -> None:
        """Leaves the student in its exported form, with zeros where they are asked."""
        recipe, config = self.recipe, self.config
        self.folded = build_student(config, folded=True)
        fold(self.student, self.folded, config)
        target = self.job.target_sparsity
        if not target:
            return
        depends = recipe.choices("pruning", "quantization_learning_rate")
        self.store.depend_on([target, depends])

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
            found = {}
            if recipe.quantization != "ptq":
                found["qat"] = self._trained_quantized(folder)
            if recipe.quantization != "qat":
                found["ptq"] = self._rounded()
            held_out = {way: value for way, (_, value) in found.items()}
            way = max(held_out, key=held_out.__getitem__)  # The first where equal.
            quantized, value = found[way]
            final = build_student(config, folded=True)
            float_weights(quantized, final)
            save_weights(folder / FLOAT_STUDENT, final.weights)
            model = convert(exported_student(quantized, config), config)
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
                "quantization": {"way": way, "held_out": held_out},
            }

        done, folder = self.store.run("quantization", run)
        self._add_stage("student_float", done, self.folded.count_params())
        self.stages[-1]["quantization"] = done["quantization"]
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

        self.palette, folder = self.store.run("palette", run)
        self.lookup_table_model = (folder / "model.tflite").read_bytes()

    def _rounded(self) -> tuple[tf.keras.Model, float]:
        """The student's weights under fake quantizers, and the metric on held-out."""
        recipe, config = self.recipe, self.config
        student = quantize_student(self.folded, recipe, config.has_channel_scales)
        value = measure_ranges(
            student,
            config,
            self.task,
            self.curriculum.lessons().encoded,
            self.curriculum.held_out(),
            recipe.student_batch_size,
            stage_seed(self.job.seed, "quantization"),
        )
        return student, value

    def _trained_quantized(self, folder: pathlib.Path) -> tuple[tf.keras.Model, float]:
        """The same after quantization-aware training."""
        recipe, config = self.recipe, self.config
        student = quantize_student(self.folded, recipe, config.has_channel_scales)
        value = self._train_folded(
            student,
            "quantization",
            recipe.quantization_epochs,
            recipe.quantization_least_steps,
            folder,
            warm_ranges=True,
            keep_zeros=self.job.target_sparsity > 0,
            noise_steps=recipe.quantization_noise,
        )
        return student, value

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


def _with_trials(stages: Sequence[str]) -> list[str]:
    """The folders of stages; the distillation's trials of shapes have their own."""
    return [*stages, CANDIDATES] if "distillation" in stages else list(stages)
