"""What the student learns from: texts, and what the teacher has said about them."""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np

from ei_bert_tf.distillation.augmentation import augmented
from ei_bert_tf.distillation.cross import SharedTexts
from ei_bert_tf.distillation.lessons import Lessons, read_outputs
from ei_bert_tf.distillation.token_lessons import TOKEN_LESSONS, TokenLessons
from ei_bert_tf.preparation import Preparation
from ei_bert_tf.student.inheritance import measure_slice
from ei_bert_tf.student.slicing import Slice
from ei_bert_tf.task import Examples
from ei_bert_tf.text.wordpiece import Encoded, WordPiece
from ei_bert_tf.text.words import pair_words
from ei_bert_tf.training import stage_seed
from ei_bert_tf.vocabulary.importance import piece_scores, with_stand_ins
from ei_bert_tf.vocabulary.pruning import keep_list
from ei_bert_tf.vocabulary.summary import vocabulary_summary
from ei_bert_tf.weights import load_weights

_TEXTS = "texts.json"


class Curriculum:
    """Grows with the stages, which fill what they find out.

    Attributes:
        outputs_files: the teacher's answers, in the order of `examples`.
        tokenizer, kept: the student's, and its pieces' ids in the teacher's vocabulary.
        piece_weights: float64 [kept], what each of them counts in the student's table.
        vocabulary: what of the teacher's stays, as vocabulary_summary has it.
        token_weights: what a method has learnt beside the float student.
    """

    def __init__(self, prepared: Preparation):
        self.prepared = prepared
        self.outputs_files: list[pathlib.Path] = []
        self.tokenizer: WordPiece
        self.kept: np.ndarray
        self.piece_weights: np.ndarray
        self.vocabulary: dict[str, Any]
        self.token_weights: pathlib.Path
        self._augmentation: pathlib.Path | None = None
        self._scores: tuple[np.ndarray, np.ndarray]

    def settle(self, candidate: int) -> None:
        """Goes on with another shape, and the pieces that it has room for."""
        self.prepared.settle(candidate)
        self.keep(*self._scores)

    def keep(self, attention: np.ndarray, counts: np.ndarray) -> None:
        """Decides which pieces are the student's.

        Args:
            attention: float [V] of attention_importance.
            counts: int [V], how often the corpus has each piece.
        """
        self._scores = attention, counts
        prepared = self.prepared
        pieces = prepared.teacher.tokenizer.pieces
        size = prepared.config.vocabulary_size
        recipe = prepared.recipe
        replacements = prepared.copies * recipe.augmented_words

        def over_copies(scores: np.ndarray) -> np.ndarray:
            return with_stand_ins(scores, pieces, prepared.neighbours, replacements)

        scores = over_copies(piece_scores(recipe.keep_by, attention, counts))
        self.kept = keep_list(pieces, scores, prepared.spelling, size)
        self.piece_weights = over_copies(attention)[self.kept]
        self.vocabulary = vocabulary_summary(pieces, scores, counts, self.kept)
        if len(self.kept) != size:
            raise AssertionError("every piece that the corpus uses has a score")
        self.tokenizer = WordPiece([pieces[index] for index in self.kept])

    def add_augmented(self, folder: pathlib.Path) -> None:
        """Takes up what write_augmented has left, and the teacher's answers to it."""
        self._augmentation = folder
        self.outputs_files.append(folder / "outputs.npz")

    def write_augmented(self, folder: pathlib.Path) -> Encoded:
        """Makes more texts, and returns them in the teacher's ids."""
        prepared, recipe = self.prepared, self.prepared.recipe
        more = augmented(
            prepared.lesson_texts,
            prepared.neighbours,
            prepared.copies,
            recipe.augmented_words,
            stage_seed(prepared.job.seed, "augmentation"),
            recipe.augmented_splices,
            recipe.augmented_joins,
        )
        texts = {"texts": more.texts, "pairs": more.pairs}
        (folder / _TEXTS).write_text(json.dumps(texts), "utf-8")
        return prepared.encode(prepared.teacher.tokenizer, more)

    def examples(self) -> Examples:
        """All texts of the student, augmented ones last."""
        examples = self.prepared.lesson_texts
        if self._augmentation is None:
            return examples
        saved = json.loads((self._augmentation / _TEXTS).read_text("utf-8"))
        more = Examples(**saved, targets=examples.no_targets(len(saved["texts"])))
        return examples.followed_by(more)

    def lessons(self) -> Lessons:
        """The same in the student's ids, with the answers of the teacher."""
        examples = self.examples()
        encoded = self.prepared.encode(self.tokenizer, examples)
        if self.prepared.job.method == "none":
            return Lessons(encoded, examples.targets, None, None)
        logits, features = read_outputs(self.outputs_files)
        return Lessons(encoded, examples.targets, logits, features)

    def held_out(self) -> tuple[Encoded, np.ndarray]:
        """Held-out train in the student's ids, and its targets."""
        held_out = self.prepared.held_out
        return self.prepared.encode(self.tokenizer, held_out), held_out.targets

    def shared(self, examples: Examples) -> SharedTexts:
        """Texts for a student and a teacher that train together."""
        prepared = self.prepared
        mine = prepared.encode(self.tokenizer, examples)
        if prepared.recipe.refinement_teacher_reads == "own":
            theirs = prepared.encode(prepared.teacher.tokenizer, examples)
        else:
            theirs = dataclasses.replace(mine, ids=self.kept[mine.ids])
        return SharedTexts(mine, theirs, examples.targets)

    def cut(self) -> Slice:
        """Where the student is cut from the teacher."""
        prepared = self.prepared
        seed = stage_seed(prepared.job.seed, "distillation")
        sample = prepared.sample(prepared.recipe.statistics_texts)
        return measure_slice(prepared.teacher, sample, prepared.config, seed)

    def token_lessons(self, cut: Slice) -> TokenLessons | None:
        """What the method adds for single tokens, if it adds anything."""
        prepared = self.prepared
        kind = TOKEN_LESSONS.get(prepared.job.method)
        if kind is None:
            return None
        examples, teacher = self.examples(), prepared.teacher
        theirs = prepared.encode(teacher.tokenizer, examples)
        mine = prepared.encode(self.tokenizer, examples)
        words = pair_words(
            mine, theirs, self.tokenizer.pieces, teacher.tokenizer.pieces
        )
        return kind(teacher, prepared.config, prepared.recipe, cut, theirs, words)

    def final_token_lessons(self) -> TokenLessons | None:
        """The same with what was learnt beside the float student."""
        if self.prepared.job.method not in TOKEN_LESSONS:
            return None
        tokens = self.token_lessons(self.cut())
        load_weights(self.token_weights, tokens.variables)
        return tokens
