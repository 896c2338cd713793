"""What is settled before anything is trained: the texts and the student's shape."""

import copy
import dataclasses
from typing import Any

import numpy as np

from ei_bert_tf.compression.palette import cluster_student, copy_clustered
from ei_bert_tf.compression.quantization import exportable_student
from ei_bert_tf.conversion.int8 import convert
from ei_bert_tf.conversion.lookup_tables import LEAST_WEIGHTS, with_lookup_tables
from ei_bert_tf.distillation.augmentation import word_neighbours
from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.arena import smallest_arena_bytes
from ei_bert_tf.job import SMALLEST_PAIR, Job
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.budget import Limits, Solution, solve
from ei_bert_tf.student.encoder import build_student, student_inputs
from ei_bert_tf.student.sizing import choose_config
from ei_bert_tf.task import Examples
from ei_bert_tf.teacher.backbone import load_teacher, teacher_identity
from ei_bert_tf.text.datasets import hold_out
from ei_bert_tf.text.wordpiece import Encoded, WordPiece
from ei_bert_tf.vocabulary.pruning import smallest_vocabulary, spelling_pieces


class Preparation:
    """A job's data, its teacher and the student's shape.

    Attributes:
        recipe, dataset, task: what the job says.
        tokens: T, the student's sequence length.
        teacher: loaded, not yet fine-tuned.
        train, held_out: the two parts of the training texts.
        lesson_texts: what the student learns from: train and the unlabelled texts.
        corpus: lesson_texts in the teacher's ids.
        copies: of each text, in which words give way to their neighbours.
        neighbours: of those words.
        spelling: ids of the single characters that must stay.
        config: the student's shape.
        solution: where it was searched for, what was found.

    Raises:
        InputError: anything that the user can mend.
    """

    def __init__(self, job: Job):
        self.job = job
        self.recipe = job.read_recipe()
        self.dataset = job.load_dataset()
        self.task = self.dataset.task
        self.tokens = job.max_seq_length
        self.teacher = load_teacher(job.teacher, self.task.outputs, job.seed)
        self._check_length()
        self._prepare_texts()
        self.copies = self._count_copies()
        self.neighbours = self._find_neighbours()
        self.solution: Solution | None = None
        self.config = self._choose_config()
        self._check_tables()

    def encode(self, tokenizer: WordPiece, examples: Examples) -> Encoded:
        """Texts in the ids of teacher or student, cut to the student's length."""
        return tokenizer.encode(examples.texts, examples.pairs, self.tokens)

    def sample(self, size: int, tokenizer: WordPiece | None = None) -> Encoded:
        """Random texts of the corpus, at most `size`, in the teacher's ids or those of
        another tokenizer."""
        rows = np.random.default_rng(self.job.seed).permutation(len(self.corpus))
        rows = np.sort(rows[:size])
        if tokenizer is None:
            return self.corpus.take(rows)
        return self.encode(tokenizer, self.lesson_texts.take(rows))

    def smaller(self, max_model_bytes: int) -> "Preparation":
        """The same for a smaller file, whose student is a part of this one's."""
        found = copy.copy(self)
        found.job = dataclasses.replace(self.job, max_model_bytes=max_model_bytes)
        found.config = found._choose_config(self.config)
        found._check_tables()
        return found

    def settle(self, candidate: int) -> None:
        """Takes another of the shapes that the search has found."""
        assert self.solution is not None
        chosen = self.solution.candidates[candidate]
        self.solution = dataclasses.replace(self.solution, chosen=chosen)
        self.config = chosen.config

    def inputs(self) -> list[Any]:
        """All that every stage depends on, as JSON can hold it."""
        recipe, data = self.recipe, self.dataset
        parts = (self.train, self.held_out, data.unlabeled, data.evaluate)
        return [
            self.task.to_json(),
            teacher_identity(self.job.teacher),
            self.tokens,
            self.job.seed,
            recipe.held_out_share,
            recipe.held_out_most,
            *(None if part is None else part.to_json() for part in parts),
        ]

    def untrained_models(self) -> list[bytes]:
        """The .tflite files of the student's shape with random weights.

        They need the arenas of the trained ones, which depend on shapes alone, so that
        a limit can be checked before anything is trained.
        """
        forms = (False, True) if self.job.lookup_table_weights else (False,)
        return [untrained_model(self.config, self.job.seed, form) for form in forms]

    def _check_length(self) -> None:
        most = self.teacher.backbone.max_sequence_length
        if self.tokens > most:
            raise InputError(
                f"--max_seq_length={self.tokens}: the teacher reads at most {most} "
                "tokens"
            )
        if self.task.is_pair and self.tokens < SMALLEST_PAIR:
            raise InputError(
                f"--max_seq_length={self.tokens}: at least {SMALLEST_PAIR} tokens for "
                "pairs"
            )

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
        unlabeled = self.dataset.unlabeled_beside(held)
        if unlabeled is not None:
            self.lesson_texts = self.train.followed_by(unlabeled)
        self.corpus = self.encode(self.teacher.tokenizer, self.lesson_texts)

    def _count_copies(self) -> int:
        copies = self.recipe.augmented_copies
        if self.job.method == "none" or not copies:
            return 0
        wanted = -(-self.recipe.augmented_least_texts // len(self.lesson_texts))
        return max(copies, wanted)

    def _find_neighbours(self) -> dict[str, list[str]]:
        if not self.copies or not self.recipe.augmented_words:
            return {}
        return word_neighbours(
            self.teacher.tokenizer.pieces,
            self.teacher.backbone.token_embedding.embeddings.numpy(),
            np.unique(self.corpus.ids),
        )

    def _choose_config(self, within: StudentConfig | None = None) -> StudentConfig:
        backbone = self.teacher.backbone
        pieces = self.teacher.tokenizer.pieces
        self.spelling = spelling_pieces(pieces, self.corpus.ids)
        smallest = smallest_vocabulary(pieces, self.spelling)
        used = set(np.unique(self.corpus.ids).tolist()) | self.spelling
        wanted = smallest_vocabulary(pieces, used)
        near = {word for words in self.neighbours.values() for word in words}
        used |= {index for index, piece in enumerate(pieces) if piece in near}
        largest = smallest_vocabulary(pieces, used)
        if self.job.max_flash_bytes or self.job.max_macs:
            return self._searched(smallest, largest)
        layers = min(self.recipe.layers, backbone.num_layers)
        config = choose_config(
            self.job.max_model_bytes,
            smallest,
            wanted,
            largest,
            backbone.hidden_dim,
            backbone.num_heads,
            backbone.intermediate_dim,
            self.recipe.embedding_share,
            within,
            max_tokens=self.tokens,
            layers=layers,
            outputs=self.task.outputs,
            norm=self.recipe.norm,
            attention_form=self.recipe.attention_form,
            weight_scales=self.recipe.weight_scales,
            pair=self.task.is_pair,
            distinct_blocks=min(self.recipe.distinct_blocks, layers),
            embedding_form=self.recipe.embedding_form,
        )
        limit = self.job.max_arena_bytes
        if limit and not self.job.sizes:
            needed = self._arena_bytes(config)
            if needed > limit:
                return self._searched(smallest, largest, {config: needed})
        return config

    def _searched(
        self,
        smallest: int,
        largest: int,
        too_large: dict[StudentConfig, int] | None = None,
    ) -> StudentConfig:
        self.solution = self._solve(smallest, largest, too_large)
        return self.solution.chosen.config

    def _arena_bytes(self, config: StudentConfig) -> int:
        return smallest_arena_bytes(untrained_model(config, self.job.seed))

    def _solve(
        self, smallest: int, largest: int, too_large: dict[StudentConfig, int] | None
    ) -> Solution:
        job, backbone = self.job, self.teacher.backbone
        return solve(
            Limits(
                job.max_model_bytes,
                job.max_flash_bytes,
                job.max_macs,
                job.max_arena_bytes,
            ),
            smallest,
            largest,
            {
                "hidden": backbone.hidden_dim,
                "heads": backbone.num_heads,
                "head_size": backbone.hidden_dim // backbone.num_heads,
                "feed_forward": backbone.intermediate_dim,
                "layers": backbone.num_layers,
            },
            self._arena_bytes,
            count=self.recipe.candidates,
            too_large=too_large,
            max_tokens=self.tokens,
            outputs=self.task.outputs,
            norm=self.recipe.norm,
            attention_form=self.recipe.attention_form,
            weight_scales=self.recipe.weight_scales,
            pair=self.task.is_pair,
        )

    def _check_tables(self) -> None:
        config = self.config
        if not self.job.lookup_table_weights:
            return
        if config.has_channel_scales:
            raise InputError(
                "--lookup_table_weights: a table is of one scale; weight_scales in the "
                "recipe has to be 'tensor'"
            )
        widest = max(config.feed_forward_size, config.task_size)
        largest = config.hidden_size * widest
        if largest < LEAST_WEIGHTS:
            raise InputError(
                f"--lookup_table_weights: the student's largest weight has {largest} "
                f"values; tables pay from {LEAST_WEIGHTS} on"
            )


def untrained_model(
    config: StudentConfig, seed: int, lookup_tables: bool = False
) -> bytes:
    """A .tflite of a student's shape with random weights."""
    student = build_student(config, fixed_tokens=True, folded=True)
    generator = np.random.default_rng(seed)
    for weight in student.trainable_weights:
        weight.assign(generator.normal(size=weight.shape) * 0.1)
    quantized = exportable_student(student, config.has_channel_scales)
    ids = np.zeros((1, config.max_tokens), np.int32)
    ids[0] = np.arange(config.max_tokens) % config.vocabulary_size
    batch = {"ids": ids, "mask": np.ones_like(ids), "segment_ids": ids % 2}
    trained = cluster_student(student) if lookup_tables else quantized
    trained(student_inputs(config, batch), training=True)
    if not lookup_tables:
        return convert(quantized, config)
    copy_clustered(trained, quantized)
    return with_lookup_tables(convert(quantized, config))
