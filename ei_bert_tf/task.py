"""What is to be learned, and the examples it is learned from."""

import dataclasses
from collections.abc import Sequence

import numpy as np

CLASSIFICATION = "classification"
REGRESSION = "regression"
NO_TARGET = -1


@dataclasses.dataclass(frozen=True)
class Task:
    """A text classification or regression task.

    Attributes:
        task_type: `classification` or `regression`.
        text_columns: one column name, or two for pairs.
        label_column: name of the label's column.
        metric: accuracy, f1, matthews, pearson or spearman.
        labels: class names in id order; empty for regression.
        unknown_label: label of out-of-scope rows, None when there is none.
    """

    task_type: str
    text_columns: tuple[str, ...]
    label_column: str
    metric: str
    labels: tuple[str, ...] = ()
    unknown_label: str | None = None

    @property
    def is_regression(self) -> bool:
        return self.task_type == REGRESSION

    @property
    def is_pair(self) -> bool:
        return len(self.text_columns) == 2

    @property
    def outputs(self) -> int:
        """Number of logits: classes, or 1 for regression."""
        return 1 if self.is_regression else len(self.labels)

    def to_json(self) -> dict:
        """Plain data for manifests and fingerprints."""
        return dataclasses.asdict(self) | {
            "text_columns": list(self.text_columns),
            "labels": list(self.labels),
        }

    @classmethod
    def from_json(cls, data: dict) -> "Task":
        return cls(
            **data
            | {
                "text_columns": tuple(data["text_columns"]),
                "labels": tuple(data["labels"]),
            }
        )


@dataclasses.dataclass(frozen=True)
class Examples:
    """N texts (or pairs) with their targets.

    Attributes:
        texts: N first texts.
        pairs: N second texts, or None for a task of single texts.
        targets: [N]; int32 class ids, NO_TARGET for an out-of-scope or unlabelled
            row; float32 values for regression, NaN for an unlabelled row.
    """

    texts: Sequence[str]
    pairs: Sequence[str] | None
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    def followed_by(self, more: "Examples") -> "Examples":
        """These and then the others, of the same task."""
        pairs = None
        if self.pairs is not None and more.pairs is not None:
            pairs = [*self.pairs, *more.pairs]
        targets = np.concatenate([self.targets, more.targets])
        return Examples([*self.texts, *more.texts], pairs, targets)

    def inputs(self) -> list[tuple[str, ...]]:
        """Each text, or text and second text."""
        columns = [self.texts] if self.pairs is None else [self.texts, self.pairs]
        return list(zip(*columns, strict=True))

    def no_targets(self, count: int) -> np.ndarray:
        """Targets [count] that say "unlabelled", of the dtype of these."""
        integer = np.issubdtype(self.targets.dtype, np.integer)
        return np.full(count, NO_TARGET if integer else np.nan, self.targets.dtype)

    def to_json(self) -> list:
        """Plain data for fingerprints."""
        return [list(self.texts), self.pairs, self.targets.tolist()]

    def take(self, rows: np.ndarray) -> "Examples":
        """The examples of the given row numbers (int [M])."""
        pairs = None if self.pairs is None else [self.pairs[row] for row in rows]
        return Examples([self.texts[row] for row in rows], pairs, self.targets[rows])
