"""The stages in order: what each reads and what it leaves (stages.py has when)."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.quantization import (
    copy_quantized,
    float_weights,
    quantize_student,
)
from ei_bert_tf.conversion.int8 import convert
from ei_bert_tf.distillation.augmentation import augmented, word_neighbours
from ei_bert_tf.distillation.lessons import Lessons, read_outputs, write_outputs
from ei_bert_tf.distillation.plain import predictor, train_student
from ei_bert_tf.errors import InputError
from ei_bert_tf.job import Job
from ei_bert_tf.metrics import metric_value
from ei_bert_tf.progress import Progress
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.stages import CHECKPOINTS, TRAINING, Stages
from ei_bert_tf.student.encoder import build_student, student_inputs
from ei_bert_tf.student.folding import fold_task_projection
from ei_bert_tf.student.inheritance import initial_student
from ei_bert_tf.student.layers import DropoutSource
from ei_bert_tf.student.sizing import choose_config
from ei_bert_tf.task import Examples
from ei_bert_tf.teacher.backbone import load_teacher
from ei_bert_tf.teacher.finetune import finetune, teacher_outputs
from ei_bert_tf.text.datasets import hold_out
from ei_bert_tf.text.wordpiece import Encoded, WordPiece
from ei_bert_tf.training import stage_seed
from ei_bert_tf.version import __version__
from ei_bert_tf.vocabulary.importance import attention_importance
from ei_bert_tf.vocabulary.pruning import (
    keep_list,
    smallest_vocabulary,
    spelling_pieces,
)
from ei_bert_tf.weights import load_weights, save_weights

STAGES = ("teacher", "vocabulary", "augmentation", "distillation", "quantization")
_BYTES_PER_FLOAT = 4
_NEIGHBOURS = 10


class Pipeline:
    """One run: a job to a `model.tflite`.

    Attributes:
        stages: what the manifest lists, filled as the stages finish.
        store: their folders.
        config: the student's shape, known before the first training step.
        tokenizer: the student's, once the vocabulary's stage is done.
    """

    def __init__(self, job: Job, folder: pathlib.Path, resume: bool):
        self.job = job
        self.recipe = recipe = job.read_recipe()
        self.dataset = job.load_dataset()
        self.task = self.dataset.task
        self.tokens = job.max_seq_length
        self.stages: list[dict[str, Any]] = []
        self.augmentation: pathlib.Path | None = None
        self.model = b""
        tf.config.experimental.enable_op_determinism()
        self.teacher = load_teacher(job.teacher, self.task.outputs, job.seed)
        self._prepare_texts()
        self.config = self._choose_config()
        self.store = Stages(folder / CHECKPOINTS, resume)
        self.store.depend_on(
            [
                __version__,
                self.task.to_json(),
                job.teacher,
                job.max_seq_length,
                job.seed,
                recipe.held_out_share,
                recipe.held_out_most,
            ]
        )
        data = self.dataset
        for part in (self.train, self.held_out, data.unlabeled, data.evaluate):
            self.store.depend_on(None if part is None else part.to_json())

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

    def untrained_model(self) -> bytes:
        """A .tflite of the student's shape with random weights.

        It needs the arena of the trained one, which depends on shapes alone, so that
        a limit can be checked before anything is trained.
        """
        student = build_student(self.config, fixed_tokens=True, folded=True)
        generator = np.random.default_rng(self.job.seed)
        for weight in student.trainable_weights:
            weight.assign(generator.normal(size=weight.shape) * 0.1)
        quantized = quantize_student(student)
        ids = np.zeros((1, self.tokens), np.int32)
        ids[0] = np.arange(self.tokens) % self.config.vocabulary_size
        batch = {"ids": ids, "mask": np.ones_like(ids), "segment_ids": ids % 2}
        quantized(student_inputs(self.config, batch), training=True)
        return convert(quantized, self.config)

    def _prepare_texts(self) -> None:
        kept, held = hold_out(
            self.dataset.train,
            self.task,
            self.recipe.held_out_share,
            self.job.seed,
            self.recipe.held_out_most,
        )
        self.train = self.dataset.train.take(kept)
        self.held_out = self.dataset.train.take(held)
        self.lesson_texts = self.train
        if self.dataset.unlabeled is not None:
            self.lesson_texts = self.train.followed_by(self.dataset.unlabeled)
        self.corpus = self._encode(self.teacher.tokenizer, self.lesson_texts)

    def _choose_config(self) -> StudentConfig:
        backbone = self.teacher.backbone
        if self.tokens > backbone.max_sequence_length:
            raise InputError(
                f"--max_seq_length={self.tokens}: the teacher reads at most "
                f"{backbone.max_sequence_length} tokens"
            )
        pieces = self.teacher.tokenizer.pieces
        self.spelling = spelling_pieces(pieces, self.corpus.ids)
        smallest = smallest_vocabulary(pieces, self.spelling)
        used = set(np.unique(self.corpus.ids).tolist()) | self.spelling
        return choose_config(
            self.job.max_model_bytes,
            smallest,
            smallest_vocabulary(pieces, used),
            backbone.hidden_dim,
            backbone.num_heads,
            backbone.intermediate_dim,
            max_tokens=self.tokens,
            layers=min(self.recipe.layers, backbone.num_layers),
            outputs=self.task.outputs,
            norm=self.recipe.norm,
            pair=self.task.is_pair,
        )

    def _teacher_stage(self) -> None:
        recipe = self.recipe
        self.store.depend_on(
            [
                recipe.teacher_epochs,
                recipe.teacher_learning_rate,
                recipe.teacher_batch_size,
                recipe.teacher_dropout,
                recipe.teacher_average,
                recipe.warmup_share,
            ]
        )
        teacher = self.teacher
        rows = slice(0, len(self.train))
        encoded = self.corpus.take(np.arange(len(self.corpus))[rows])

        def run(folder: pathlib.Path) -> dict[str, Any]:
            value = finetune(
                teacher,
                self.task,
                recipe,
                (encoded, self.train.targets),
                (self._encode(teacher.tokenizer, self.held_out), self.held_out.targets),
                stage_seed(self.job.seed, "teacher"),
                folder / TRAINING,
                Progress("teacher", self.store.folder / "logs"),
            )
            save_weights(folder / "teacher.safetensors", teacher.model.weights)
            outputs = teacher_outputs(teacher, self.corpus)
            write_outputs(folder / "outputs.npz", outputs)
            evaluated = self._encode(teacher.tokenizer, self.dataset.evaluate)
            logits = teacher_outputs(teacher, evaluated).logits
            return {"held_out": value, "value": self._metric(logits)}

        done, folder = self.store.run("teacher", run)
        load_weights(folder / "teacher.safetensors", teacher.model.weights)
        self.outputs_file = folder / "outputs.npz"
        self._add_stage("teacher", done, _BYTES_PER_FLOAT * teacher.parameters)

    def _vocabulary_stage(self) -> None:
        def run(folder: pathlib.Path) -> dict[str, Any]:
            np.save(
                folder / "scores.npy", attention_importance(self.teacher, self.corpus)
            )
            return {}

        _, folder = self.store.run("vocabulary", run)
        self.scores = np.load(folder / "scores.npy")
        pieces = self.teacher.tokenizer.pieces
        self.kept = keep_list(
            pieces, self.scores, self.spelling, self.config.vocabulary_size
        )
        if len(self.kept) != self.config.vocabulary_size:
            raise AssertionError("every piece that the corpus uses has a score")
        self.tokenizer = WordPiece([pieces[index] for index in self.kept])

    def _augmentation_stage(self) -> None:
        """More texts, and what the teacher says about them; none without a teacher."""
        recipe = self.recipe
        if self.job.method == "none" or not recipe.augmented_copies:
            return
        self.store.depend_on([recipe.augmented_copies, recipe.augmented_words])

        def run(folder: pathlib.Path) -> dict[str, Any]:
            neighbours = word_neighbours(
                self.teacher.tokenizer.pieces,
                self.teacher.backbone.token_embedding.embeddings.numpy(),
                np.flatnonzero(self.scores),
                _NEIGHBOURS,
            )
            more = augmented(
                self.lesson_texts,
                neighbours,
                recipe.augmented_copies,
                recipe.augmented_words,
                stage_seed(self.job.seed, "augmentation"),
            )
            encoded = self._encode(self.teacher.tokenizer, more)
            outputs = teacher_outputs(self.teacher, encoded)
            write_outputs(folder / "outputs.npz", outputs)
            texts = {"texts": more.texts, "pairs": more.pairs}
            (folder / "texts.json").write_text(json.dumps(texts), "utf-8")
            return {}

        _, self.augmentation = self.store.run("augmentation", run)

    def _distillation_stage(self) -> None:
        recipe, config = self.recipe, self.config
        start = self.job.student_start
        self.store.depend_on(
            [recipe.to_json(), config.to_json(), self.job.method, start]
        )

        def run(folder: pathlib.Path) -> dict[str, Any]:
            seed = stage_seed(self.job.seed, "distillation")
            dropout = DropoutSource(recipe.student_dropout, seed, tf.Variable(0))
            student = initial_student(
                self.teacher,
                config,
                self.kept,
                self.scores[self.kept],
                self._sample(recipe.statistics_texts),
                seed,
                self.job.student_start,
                dropout,
            )
            value = train_student(
                student,
                config,
                self.task,
                recipe,
                self._lessons(),
                self.student_held_out(),
                recipe.student_epochs,
                recipe.student_learning_rate,
                seed,
                folder / TRAINING,
                Progress("student", self.store.folder / "logs"),
                dropout=dropout,
            )
            save_weights(folder / "student.safetensors", student.weights)
            logits = self._evaluate(student)
            return {"held_out": value, "value": self._metric(logits)}

        done, folder = self.store.run("distillation", run)
        self.student = build_student(config)
        load_weights(folder / "student.safetensors", self.student.weights)
        self._add_stage(
            "student_before_qat", done, _BYTES_PER_FLOAT * self.student.count_params()
        )

    def _quantization_stage(self) -> None:
        recipe, config = self.recipe, self.config

        def run(folder: pathlib.Path) -> dict[str, Any]:
            folded = build_student(config, folded=True)
            fold_task_projection(self.student, folded)
            quantized = quantize_student(folded)
            value = train_student(
                quantized,
                config,
                self.task,
                recipe,
                self._lessons().behind_pooler(self.teacher),
                self.student_held_out(),
                recipe.quantization_epochs,
                recipe.quantization_learning_rate,
                stage_seed(self.job.seed, "quantization"),
                folder / TRAINING,
                Progress("quantization", self.store.folder / "logs"),
                warm_ranges=True,
            )
            float_weights(quantized, folded)
            save_weights(folder / "student_float.safetensors", folded.weights)
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
                "value": self._metric(self._evaluate(folded)),
                "fake_quantized_value": self._metric(self._evaluate(quantized)),
                "parameters": folded.count_params(),
            }

        done, folder = self.store.run("quantization", run)
        self._add_stage("student_float", done, _BYTES_PER_FLOAT * done["parameters"])
        self.model = (folder / "model.tflite").read_bytes()

    def _add_stage(self, name: str, done: dict[str, Any], size: int) -> None:
        self.stages.append(
            {
                "name": name,
                "metric": self.task.metric,
                "value": done["value"],
                "held_out": done["held_out"],
                "bytes": size,
                "seconds": done["seconds"],
                "resumed": done["resumed"],
            }
        )

    def _lessons(self) -> Lessons:
        """The student's texts and what the still teacher says about them."""
        examples = self.lesson_texts
        if self.job.method == "none":
            encoded = self._encode(self.tokenizer, examples)
            return Lessons(encoded, examples.targets, None, None)
        files = [self.outputs_file]
        if self.augmentation is not None:
            saved = json.loads((self.augmentation / "texts.json").read_text("utf-8"))
            more = Examples(**saved, targets=examples.no_targets(len(saved["texts"])))
            examples = examples.followed_by(more)
            files.append(self.augmentation / "outputs.npz")
        logits, features = read_outputs(files)
        encoded = self._encode(self.tokenizer, examples)
        return Lessons(encoded, examples.targets, logits, features)

    def _sample(self, size: int):
        rows = np.random.default_rng(self.job.seed).permutation(len(self.corpus))
        return self.corpus.take(np.sort(rows[:size]))

    def student_held_out(self) -> tuple[Encoded, np.ndarray]:
        """Held-out train in the student's ids, and its targets."""
        return self._encode(self.tokenizer, self.held_out), self.held_out.targets

    def _encode(self, tokenizer: WordPiece, examples: Examples):
        return tokenizer.encode(examples.texts, examples.pairs, self.tokens)

    def _evaluate(self, student: tf.keras.Model) -> np.ndarray:
        encoded = self._encode(self.tokenizer, self.dataset.evaluate)
        return predictor(student, self.config)(encoded)

    def _metric(self, logits: np.ndarray) -> float:
        return metric_value(self.task.metric, logits, self.dataset.evaluate.targets)
