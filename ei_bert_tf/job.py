"""What a user asks for: the task, the limits of the device, and how to train."""

import dataclasses
import itertools
import shlex
from collections.abc import Sequence
from typing import Any

from ei_bert_tf.errors import AnyPath, InputError
from ei_bert_tf.recipe import (
    METHODS,
    PRESET_METHODS,
    PRESETS,
    QUANTIZATIONS,
    STUDENT_STARTS,
    Recipe,
)
from ei_bert_tf.task import CLASSIFICATION
from ei_bert_tf.teacher.backbone import check_teacher_name
from ei_bert_tf.text.builtin import BUILTIN_DATASETS
from ei_bert_tf.text.datasets import Dataset, load_builtin, load_files, load_tfds

# The others compare tokens with what the teacher's slice was cut from.
SIZES_METHODS = ("kd", "cross", "none")
SMALLEST_SEQUENCE = 3  # [CLS], a piece, [SEP]
SMALLEST_PAIR = 5  # [CLS], a piece, [SEP], a piece, [SEP]
MOST_SEED = 2**63 - 1  # TensorFlow's are int64.
# Fields whose flags have other names.
_FLAGS = {
    "train": "train_file",
    "evaluate": "eval_file",
    "text": "text_columns",
    "label": "label_column",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """One task to compress a BERT for. The fields are the flags of tools.compress.

    Attributes:
        train, evaluate, test_file, unlabeled_file: .tsv, .csv or .jsonl files.
        text, label: their columns; two of text make a task of pairs.
        header: whether .tsv and .csv files begin with column names.
        task_type, metric, unknown_label: as task.py has them.
        dataset: named data instead of files.
        teacher: the BERT, as teacher/backbone.py names it.
        max_model_bytes, max_seq_length (tokens), max_arena_bytes, max_flash_bytes
            (model, vocabulary, tables and our C), max_macs (multiply-accumulates of an
            inference): the device, 0 is no limit. With one of the last two the
            student's shape is searched for.
        preset, recipe: how much training, and a file that overrides single choices.
        method, student_start: how the student learns (None for what the preset does),
            and what it starts as.
        target_sparsity: share of zeros in the student's kernels and tables.
        sizes: the limits, in bytes, of several students of one run, each smaller than
            the one before, which it is made from; max_model_bytes is that of one.
        lookup_table_weights: whether there is a second file, of 4-bit weights.
        quantization: trained (`qat`) or not (`ptq`), None for what the recipe says.
        seed: of every random choice.
    """

    train: AnyPath | None = None
    evaluate: AnyPath | None = None
    text: str | Sequence[str] | None = None
    label: str | None = None
    test_file: AnyPath | None = None
    unlabeled_file: AnyPath | None = None
    header: bool = True
    task_type: str = CLASSIFICATION
    metric: str | None = None
    unknown_label: str | None = None
    dataset: str | None = None
    teacher: str = "builtin:minilm-l6"
    max_model_bytes: int = 1_910_000
    max_seq_length: int = 64
    max_arena_bytes: int = 0
    max_flash_bytes: int = 0
    max_macs: int = 0
    preset: str = "standard"
    recipe: AnyPath | None = None
    method: str | None = None
    student_start: str = STUDENT_STARTS[0]
    target_sparsity: float = 0.0
    sizes: Sequence[int] = ()
    lookup_table_weights: bool = False
    quantization: str | None = None
    seed: int = 0

    def __post_init__(self):
        _check_choice("preset", self.preset, PRESETS)
        method = self.method or PRESET_METHODS[self.preset]
        _check_choice("method", method, METHODS)
        # A frozen dataclass has no other way to replace a default.
        object.__setattr__(self, "method", method)
        _check_choice("student_start", self.student_start, STUDENT_STARTS)
        if self.max_seq_length < SMALLEST_SEQUENCE:
            raise InputError(
                f"--max_seq_length={self.max_seq_length}: at least "
                f"{SMALLEST_SEQUENCE} tokens"
            )
        for name in ("max_arena_bytes", "max_flash_bytes", "max_macs", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"--{name}={getattr(self, name)}: at least 0")
        if self.seed > MOST_SEED:
            raise InputError(f"--seed={self.seed}: at most {MOST_SEED}")
        if not 0 <= self.target_sparsity < 1:
            raise InputError(
                f"--target_sparsity={self.target_sparsity}: at least 0 and below 1"
            )
        if self.quantization is not None:
            _check_choice("quantization", self.quantization, QUANTIZATIONS)
        _check_sizes(self.sizes, method)
        check_teacher_name(self.teacher)

    def command(self) -> str:
        """The call of tools.compress that asks for the same."""
        words = ["python -m tools.compress"]
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            flag = _FLAGS.get(field.name, field.name)
            if value == field.default or (flag == "max_model_bytes" and self.sizes):
                continue
            if field.name == "text":
                value = ",".join(self._text_columns() or [])
            if field.name == "sizes":
                value = ",".join(map(str, value))
            if field.name == "header":
                words.append("--noheader")
            else:
                words.append(shlex.quote(f"--{flag}={value}"))
        return " ".join(words)

    def read_recipe(self) -> Recipe:
        """The preset with the overrides of the recipe file and of the flags."""
        recipe = Recipe.read(self.preset, self.recipe)
        if self.quantization is None:
            return recipe
        return dataclasses.replace(recipe, quantization=self.quantization)

    def load_dataset(self) -> Dataset:
        """The named data set, or the files; never both.

        Raises:
            InputError: anything in them that the user can mend.
        """
        if self.dataset is not None:
            files = {
                "train_file": self.train,
                "eval_file": self.evaluate,
                "test_file": self.test_file,
                "unlabeled_file": self.unlabeled_file,
            }
            given = [flag for flag, value in files.items() if value is not None]
            if not self.header:
                given.append("noheader")
            if given:
                raise InputError(
                    f"--dataset={self.dataset} and --{given[0]}: one of them only"
                )
            return self._named_dataset(self.dataset)
        return load_files(
            train_file=_needed("train_file", self.train),
            eval_file=_needed("eval_file", self.evaluate),
            text_columns=_needed("text_columns", self._text_columns()),
            label_column=_needed("label_column", self.label),
            test_file=self.test_file,
            unlabeled_file=self.unlabeled_file,
            header=self.header,
            task_type=self.task_type,
            metric=self.metric,
            unknown_label=self.unknown_label,
        )

    def _text_columns(self) -> list[str] | None:
        if not self.text:
            return None
        return [self.text] if isinstance(self.text, str) else list(self.text)

    def _named_dataset(self, named: str) -> Dataset:
        source, _, name = named.partition(":")
        if source == "tfds" and name:
            return load_tfds(
                name,
                self._text_columns(),
                self.label,
                self.task_type,
                self.metric,
                self.unknown_label,
            )
        if source != "builtin" or name not in BUILTIN_DATASETS:
            names = ", ".join(f"builtin:{name}" for name in BUILTIN_DATASETS)
            raise InputError(
                f"--dataset={named}: unknown; accepted: {names}, tfds:NAME"
            )
        own = {
            "text_columns": self.text,
            "label_column": self.label,
            "unknown_label": self.unknown_label,
            "task_type": None if self.task_type == CLASSIFICATION else self.task_type,
        }
        for flag, value in own.items():
            if value:
                raise InputError(
                    f"--{flag}={value}: not with --dataset={named}, which has its own "
                    "columns and labels"
                )
        return load_builtin(name, self.metric)


def _needed(flag: str, value: Any) -> Any:
    if not value:
        raise InputError(f"--{flag} is missing: needed unless --dataset is given")
    return value


def _check_choice(name: str, value: str, accepted: Sequence[str]) -> None:
    if value not in accepted:
        raise InputError(f"--{name}={value}: accepted: {', '.join(accepted)}")


def _check_sizes(sizes: Sequence[int], method: str) -> None:
    shown = "--sizes=" + ",".join(map(str, sizes))
    if any(isinstance(size, bool) or not isinstance(size, int) for size in sizes):
        raise InputError(f"{shown}: accepted: whole numbers of bytes")
    if any(size <= after for size, after in itertools.pairwise(sizes)):
        raise InputError(f"{shown}: each has to be smaller than the one before")
    if sizes and method not in SIZES_METHODS:
        raise InputError(
            f"{shown}: with --method={method}; accepted: {', '.join(SIZES_METHODS)}"
        )
