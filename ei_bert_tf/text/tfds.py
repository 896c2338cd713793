"""Data sets of TensorFlow Datasets as tables."""

import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ei_bert_tf.errors import InputError
from ei_bert_tf.text.readers import Table

_EVAL_SPLITS = ("validation", "validation_matched", "test")
_UNLABELED_SPLITS = ("unsupervised", "unlabelled", "unlabeled")
_LABEL = "label"


class TfdsSource:
    """A data set that is in the local TFDS folder, or that TFDS can fetch.

    Text columns are the string features, one or two; the label is the feature `label`
    or the only class label. Training rows are the split `train`. What is reported is
    the first of `validation`, `validation_matched` and `test` that has labels, and the
    split `test` beside it where that has labels too. GLUE's test splits have none
    (-1) and are left out.

    Args:
        name: such as `glue/sst2` or `imdb_reviews`.
        text_columns, label_column: features; None for the rule above.

    Raises:
        InputError: unknown, neither here nor to be fetched, or the features can't be
            told apart.
    """

    def __init__(
        self,
        name: str,
        text_columns: Sequence[str] | None,
        label_column: str | None,
    ):
        # Imported here because it takes seconds, which no other data set needs.
        import tensorflow_datasets as tfds

        self._tfds = tfds
        self._flag = f"--dataset=tfds:{name}"
        try:
            self._builder = tfds.builder(name)
        except Exception as error:
            raise InputError(
                f"{self._flag}: no such data set ({_first_line(error)})"
            ) from error
        try:
            self._builder.download_and_prepare()
        except Exception as error:
            raise InputError(
                f"{self._flag}: not in {self._builder.data_dir} and not to be fetched "
                f"({_first_line(error)})"
            ) from error
        self.text_columns = self._texts(text_columns)
        self.label_column = self._label(label_column)

    @property
    def is_regression(self) -> bool:
        """Whether the label is a floating-point number."""
        return np.dtype(self._features[self.label_column].np_dtype).kind == "f"

    def tables(self) -> tuple[Table, Table, Table | None, Table | None]:
        """Train, evaluation, test and unlabelled rows; the last two may be absent.

        Raises:
            InputError: no split `train`, or none to report on.
        """
        splits = list(self._builder.info.splits)
        if "train" not in splits:
            raise InputError(
                f"{self._flag}: no split 'train'; splits are: {', '.join(splits)}"
            )
        scored = {s: self._table(s) for s in _EVAL_SPLITS if s in splits}
        scored = {
            split: table
            for split, table in scored.items()
            if len(table) and not self._lacks_targets(table)
        }
        if not scored:
            raise InputError(
                f"{self._flag}: no labelled split to report on; accepted: "
                f"{', '.join(_EVAL_SPLITS)}; splits are: {', '.join(splits)}"
            )
        evaluate = scored.pop(next(iter(scored)))
        unlabeled = next((s for s in _UNLABELED_SPLITS if s in splits), None)
        return (
            self._table("train"),
            evaluate,
            scored.get("test"),
            None if unlabeled is None else self._table(unlabeled, labelled=False),
        )

    def _lacks_targets(self, table: Table) -> bool:
        """Whether it is a split without labels of a regression."""
        return self.is_regression and all(float(row[-1]) == -1 for row in table.rows)

    @property
    def _features(self) -> dict[str, Any]:
        return self._builder.info.features

    def _texts(self, named: Sequence[str] | None) -> list[str]:
        texts = [
            name
            for name, feature in self._features.items()
            if isinstance(feature, self._tfds.features.Text)
        ]
        for name in named or ():
            if name not in texts:
                raise InputError(
                    f"{self._flag}: --text_columns: no text {name!r}; texts are: "
                    f"{', '.join(texts)}"
                )
        if named is None and len(texts) not in (1, 2):
            raise InputError(
                f"{self._flag}: {len(texts)} texts ({', '.join(texts)}); "
                "--text_columns must name one or two"
            )
        return list(named or texts)

    def _label(self, named: str | None) -> str:
        labels = [
            name
            for name, feature in self._features.items()
            if isinstance(feature, self._tfds.features.ClassLabel)
        ]
        if named is None and _LABEL in self._features:
            named = _LABEL
        if named is None and len(labels) == 1:
            named = labels[0]
        if named not in self._features:
            raise InputError(
                f"{self._flag}: --label_column must name the label; features are: "
                f"{', '.join(self._features)}"
            )
        if self._features[named].shape != ():
            raise InputError(
                f"{self._flag}: --label_column: {named!r} is not one value a row"
            )
        return named

    def _table(self, split: str, labelled: bool = True) -> Table:
        rows = list(self._rows(split, labelled))
        path = pathlib.Path(f"{self._flag}[{split}]")
        return Table(path, rows, list(range(1, len(rows) + 1)))

    def _rows(self, split: str, labelled: bool) -> Iterator[tuple[str, ...]]:
        label = self._features[self.label_column]
        is_class = isinstance(label, self._tfds.features.ClassLabel)
        dataset = self._builder.as_dataset(split=split, shuffle_files=False)
        for example in self._tfds.as_numpy(dataset):
            texts = [
                example[name].decode("utf-8", "replace") for name in self.text_columns
            ]
            if not labelled:
                yield tuple(texts)
                continue
            value = example[self.label_column]
            if is_class:
                if value < 0:  # How TFDS says that a row has no label.
                    continue
                value = label.int2str(int(value))
            elif isinstance(value, bytes):
                value = value.decode("utf-8", "replace")
            yield (*texts, str(value))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
