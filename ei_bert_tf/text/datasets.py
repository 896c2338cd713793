"""From files or built-in data to a task and its examples.

Everything wrong with flags, files and labels is found here, before any training.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from ei_bert_tf.errors import AnyPath, InputError
from ei_bert_tf.task import (
    CLASSIFICATION,
    NO_TARGET,
    REGRESSION,
    Examples,
    Task,
)
from ei_bert_tf.text.builtin import builtin_rows
from ei_bert_tf.text.groups import text_groups
from ei_bert_tf.text.readers import Table, read_table
from ei_bert_tf.text.targets import label_of, ordered, value_of
from ei_bert_tf.text.tfds import TfdsSource

CLASS_METRICS = ("accuracy", "f1", "matthews")
TWO_CLASS_METRICS = ("f1", "matthews")
REGRESSION_METRICS = ("pearson", "spearman")
BUILTIN_EVAL_SHARE = 0.2
# The built-in data's split is part of the data: --seed must not move it.
BUILTIN_SPLIT_SEED = 20240607

_LABELS_SHOWN = 10


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A task and its examples.

    Attributes:
        task: what is learned.
        train: examples with targets; no row is out of scope.
        evaluate: reported once, nothing is chosen on it; its targets may be NO_TARGET
            where the task has an unknown label.
        test: as `evaluate`, None when not given.
        unlabeled: texts without targets for distillation, None when not given.
        unlabeled_rows: int [len(unlabeled)], for each the row of `train` whose text
            goes on in it; None where they belong to no row.
    """

    task: Task
    train: Examples
    evaluate: Examples
    test: Examples | None
    unlabeled: Examples | None
    unlabeled_rows: np.ndarray | None = None

    def unlabeled_beside(self, held: np.ndarray) -> Examples | None:
        """The unlabelled texts without those that measure: what `evaluate`, `test` and
        the rows `held` of train have, and what these rows go on with."""
        if self.unlabeled is None:
            return None
        parts = (self.evaluate, self.test, self.train.take(held))
        measuring = {x for part in parts if part is not None for x in part.inputs()}
        kept = np.array([text not in measuring for text in self.unlabeled.inputs()])
        if self.unlabeled_rows is not None:
            kept &= ~np.isin(self.unlabeled_rows, held)
        return self.unlabeled.take(np.flatnonzero(kept))


def load_files(
    train_file: AnyPath,
    eval_file: AnyPath,
    test_file: AnyPath | None,
    unlabeled_file: AnyPath | None,
    text_columns: Sequence[str],
    label_column: str,
    header: bool,
    task_type: str,
    metric: str | None,
    unknown_label: str | None,
) -> Dataset:
    """Reads and checks the files of a task.

    Args:
        train_file: labelled rows to learn from.
        eval_file: labelled rows to report on.
        test_file: more labelled rows to report on, or None.
        unlabeled_file: rows of which only the text columns are read, or None.
        text_columns: one column, or two for pairs.
        label_column: column of the class or of the regression target.
        header: whether the files' first line names the columns.
        task_type: `classification` or `regression`.
        metric: None for accuracy, or pearson for regression.
        unknown_label: label of out-of-scope rows: left out of train, NO_TARGET
            elsewhere.

    Raises:
        InputError: anything about the flags or the files that can't be trained on.
    """
    task = _declared_task(
        text_columns, label_column, task_type, metric, unknown_label or None
    )
    columns = [*task.text_columns, task.label_column]
    return _dataset(
        task,
        read_table(train_file, columns, header),
        read_table(eval_file, columns, header),
        read_table(test_file, columns, header) if test_file else None,
        read_table(unlabeled_file, task.text_columns, header)
        if unlabeled_file
        else None,
    )


def load_tfds(
    name: str,
    text_columns: Sequence[str] | None,
    label_column: str | None,
    task_type: str,
    metric: str | None,
    unknown_label: str | None,
) -> Dataset:
    """A data set of TensorFlow Datasets, as text/tfds.py reads it.

    Args:
        name: such as `glue/sst2`.
        text_columns, label_column: features; None for those that can be told apart.
        task_type: `regression` where the label is a float, whatever is said here.
        metric, unknown_label: as of load_files.

    Raises:
        InputError: it can't be found, fetched, or trained on.
    """
    source = TfdsSource(name, text_columns, label_column)
    task = _declared_task(
        source.text_columns,
        source.label_column,
        REGRESSION if source.is_regression else task_type,
        metric,
        unknown_label or None,
    )
    train, evaluate, test, unlabeled = source.tables()
    return _dataset(task, train, evaluate, test, unlabeled)


def _dataset(
    task: Task,
    train_table: Table,
    eval_table: Table,
    test_table: Table | None,
    unlabeled_table: Table | None,
) -> Dataset:
    task, train = _train_examples(train_table, task)
    evaluate = _scored_examples(eval_table, task)
    test = None if test_table is None else _scored_examples(test_table, task)
    unlabeled = None
    if unlabeled_table is not None:
        targets = train.no_targets(len(unlabeled_table))
        unlabeled = _with_texts(unlabeled_table, task, targets)
    return Dataset(task, train, evaluate, test, unlabeled)


def load_builtin(name: str, metric: str | None) -> Dataset:
    """A built-in data set, split 80/20 by class, the same split every time.

    What the texts of train go on with is there without labels.
    """
    found = builtin_rows(name)
    rows: list[tuple[str, ...]] = [(row.text, row.label) for row in found]
    task = _declared_task(("text",), "label", CLASSIFICATION, metric, None)
    table = Table(pathlib.Path(f"builtin:{name}"), rows, list(range(1, len(rows) + 1)))
    task, examples = _train_examples(table, task)
    train, evaluate = hold_out(
        examples, task, BUILTIN_EVAL_SHARE, BUILTIN_SPLIT_SEED, len(examples)
    )
    further = [found[row].further for row in train]
    counts = [len(texts) for texts in further]
    unlabeled, unlabeled_rows = None, None
    if sum(counts):
        texts = [text for group in further for text in group]
        unlabeled = Examples(texts, None, examples.no_targets(len(texts)))
        unlabeled_rows = np.repeat(np.arange(len(train)), counts)
    return Dataset(
        task,
        examples.take(train),
        examples.take(evaluate),
        None,
        unlabeled,
        unlabeled_rows,
    )


def examples_of(path: AnyPath, task: Task, header: bool) -> Examples:
    """The labelled examples of a file, for a task whose labels are known.

    Raises:
        InputError: anything in it that the user can mend; that no row has a label of
            the task among it.
    """
    columns = [*task.text_columns, task.label_column]
    return _scored_examples(read_table(path, columns, header), task)


def hold_out(
    examples: Examples, task: Task, share: float, seed: int, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Splits off rows of a training set, to choose on what was not trained on.

    Equal texts and phrases of a text stay on one side (text/groups.py), as far as the
    classes' shares let whole groups be held out.

    Args:
        examples: N examples with targets.
        task: tells classes, which keep their shares, from regression values.
        share: of the examples to hold out; at least one is.
        seed: the same seed, the same rows.
        most: the largest number of rows to hold out.

    Returns:
        Kept rows and held rows, int64, each sorted. At least one row of every class
        is kept.

    Raises:
        InputError: no class has a second example.
    """
    targets = examples.targets
    if task.is_regression:
        targets = np.zeros(len(examples), np.int32)
    _, classes, counts = np.unique(targets, return_inverse=True, return_counts=True)
    room = counts - 1
    wanted = max(1, min(round(share * len(examples)), most))
    size = min(wanted, int(room.sum()))
    if size == 0:
        raise InputError(
            f"training data: {len(examples)} rows and none to hold out; at least one "
            "class must have two examples"
        )
    # Largest remainders: whole parts of the exact shares first, then one by one.
    exact = counts * (size / len(examples))
    taken = np.minimum(np.floor(exact).astype(np.int64), room)
    while taken.sum() < size:
        taken[np.argmax(np.where(taken < room, exact - taken, -np.inf))] += 1
    texts = examples.texts
    if examples.pairs is not None:
        texts = [f"{a} {b}" for a, b in zip(texts, examples.pairs, strict=True)]
    generator = np.random.default_rng(seed)
    held_rows = _whole_groups(text_groups(texts), classes, taken, generator)
    if not held_rows.size:
        rows = generator.permutation(len(examples))
        held_rows = _whole_groups(rows, classes, taken, generator)
    return np.setdiff1d(np.arange(len(examples)), held_rows), held_rows


def _whole_groups(
    groups: np.ndarray,
    classes: np.ndarray,
    wanted: np.ndarray,
    generator: np.random.Generator,
) -> np.ndarray:
    """Sorted rows of random groups, at most `wanted[c]` rows of each class c."""
    members = np.split(
        np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1]
    )
    room = wanted.copy()
    held: list[np.ndarray] = []
    for group in generator.permutation(len(members)):
        counts = np.bincount(classes[members[group]], minlength=len(room))
        if np.all(counts <= room):
            held.append(members[group])
            room -= counts
    return np.sort(np.concatenate(held)) if held else np.zeros(0, np.int64)


def _declared_task(
    text_columns: Sequence[str],
    label_column: str,
    task_type: str,
    metric: str | None,
    unknown_label: str | None,
) -> Task:
    """The task as the flags have it, its labels still unread."""
    if len(text_columns) not in (1, 2):
        raise InputError(
            f"--text_columns: {len(text_columns)} columns; one or two are accepted"
        )
    if len(set(text_columns)) != len(text_columns):
        raise InputError(
            f"--text_columns: {text_columns[0]!r} stands twice; a pair needs two "
            "columns that differ"
        )
    if label_column in text_columns:
        raise InputError(
            f"--label_column: {label_column!r} is a text column too; another column "
            "is needed"
        )
    if task_type not in (CLASSIFICATION, REGRESSION):
        raise InputError(
            f"--task_type: {task_type!r}; accepted: {CLASSIFICATION}, {REGRESSION}"
        )
    is_regression = task_type == REGRESSION
    accepted = REGRESSION_METRICS if is_regression else CLASS_METRICS
    metric = metric or accepted[0]
    if metric not in accepted:
        raise InputError(
            f"--metric: {metric!r}; accepted for {task_type}: {', '.join(accepted)}"
        )
    if is_regression and unknown_label is not None:
        raise InputError(
            f"--unknown_label: {unknown_label!r} with regression; accepted for "
            "classification only"
        )
    return Task(
        task_type,
        tuple(text_columns),
        label_column,
        metric,
        unknown_label=unknown_label,
    )


def _train_examples(table: Table, task: Task) -> tuple[Task, Examples]:
    """The task with its labels, and its in-scope examples."""
    if task.is_regression:
        examples = _examples(table, task)
        if np.all(examples.targets == examples.targets[0]):
            raise InputError(
                f"{table.path}: every row has the target {examples.targets[0]:g}; "
                "at least two values are needed"
            )
        return task, examples
    found = {label_of(table, index) for index in range(len(table))}
    labels = ordered(found - {task.unknown_label})
    if len(labels) < 2:
        names = f"{len(labels)} class" + ("" if labels else "es")
        shown = f" ({labels[0]!r})" if labels else ""
        raise InputError(
            f"{table.path}: {names}{shown} in column {task.label_column!r}; at least "
            "two are needed"
        )
    if task.metric in TWO_CLASS_METRICS and len(labels) != 2:
        raise InputError(
            f"--metric: {task.metric!r} with the {len(labels)} classes of "
            f"{table.path}; accepted: accuracy, or two classes"
        )
    task = dataclasses.replace(task, labels=tuple(labels))
    examples = _examples(table, task)
    return task, examples.take(np.flatnonzero(examples.targets != NO_TARGET))


def _scored_examples(table: Table, task: Task) -> Examples:
    examples = _examples(table, task)
    if not task.is_regression and np.all(examples.targets == NO_TARGET):
        raise InputError(
            f"{table.path}: every row has the unknown label {task.unknown_label!r}; at "
            "least one row of a training label is needed"
        )
    return examples


def _examples(table: Table, task: Task) -> Examples:
    """Examples of a table whose last column is the label."""
    if task.is_regression:
        values = [value_of(table, index) for index in range(len(table))]
        return _with_texts(table, task, np.array(values, np.float32))
    ids = {label: index for index, label in enumerate(task.labels)}
    if task.unknown_label is not None:
        ids.setdefault(task.unknown_label, NO_TARGET)
    targets = np.zeros(len(table), np.int32)
    for index in range(len(table)):
        label = label_of(table, index)
        if label not in ids:
            accepted = ", ".join(map(repr, task.labels[:_LABELS_SHOWN]))
            accepted += ", ..." if len(task.labels) > _LABELS_SHOWN else ""
            if task.unknown_label is not None:
                accepted += f", and the unknown label {task.unknown_label!r}"
            raise InputError(
                f"{table.path}:{table.lines[index]}: label {label!r} is none of the "
                f"{len(task.labels)} training labels; accepted: {accepted}"
            )
        targets[index] = ids[label]
    return _with_texts(table, task, targets)


def _with_texts(table: Table, task: Task, targets: np.ndarray) -> Examples:
    pairs = [row[1] for row in table.rows] if task.is_pair else None
    return Examples([row[0] for row in table.rows], pairs, targets)
