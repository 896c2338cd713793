"""A benchmark's files as they were published, brought into the form that flags take."""

import dataclasses
import pathlib
import re
from collections.abc import Sequence

from ei_bert_tf.errors import InputError, writing
from ei_bert_tf.task import CLASSIFICATION

_TAG = re.compile(r"<[^<>]*>")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_WORDS = range(4, 41)


@dataclasses.dataclass(frozen=True)
class Part:
    """A tab-separated file without quoting, and where its columns are.

    Attributes:
        file: path inside the folder of the data.
        columns: numbers from 0 by the task's column names, for a file without header;
            None for one whose header has these names.
        renamed: the header's names by the task's, where they differ.
        sentences: whether a row is a whole document, of whose one text each sentence of
            four to forty words becomes a row.
    """

    file: str
    columns: dict[str, int] | None = None
    renamed: dict[str, str] | None = None
    sentences: bool = False


@dataclasses.dataclass(frozen=True)
class TaskData:
    """One task of a benchmark.

    Attributes:
        text, label: its columns.
        train, evaluate: files whose rows follow each other.
        unlabeled: such files by a name, of which only the texts are read.
        task_type, metric, unknown_label, max_seq_length: as the flags.
    """

    text: tuple[str, ...]
    label: str
    train: tuple[Part, ...]
    evaluate: tuple[Part, ...]
    task_type: str = CLASSIFICATION
    metric: str | None = None
    unknown_label: str | None = None
    max_seq_length: int = 64
    unlabeled: dict[str, tuple[Part, ...]] = dataclasses.field(default_factory=dict)

    def prepare(
        self, data: pathlib.Path, folder: pathlib.Path, unlabeled: str = ""
    ) -> dict[str, object]:
        """Writes `train.tsv` and `eval.tsv` with the task's columns alone.

        Args:
            data: folder of the published files.
            folder: for these.
            unlabeled: a key of self.unlabeled, whose texts become `NAME.tsv`.

        Returns:
            The fields of Job that name the task.

        Raises:
            InputError: a file is missing or lacks a column.
        """
        columns = [*self.text, self.label]
        fields: dict[str, object] = {
            "train": _write(folder / "train.tsv", data, self.train, columns),
            "evaluate": _write(folder / "eval.tsv", data, self.evaluate, columns),
        }
        if unlabeled:
            path, parts = folder / f"{unlabeled}.tsv", self.unlabeled[unlabeled]
            fields["unlabeled_file"] = _write(path, data, parts, self.text)
        return fields | {
            "text": self.text,
            "label": self.label,
            "task_type": self.task_type,
            "metric": self.metric,
            "unknown_label": self.unknown_label,
            "max_seq_length": self.max_seq_length,
        }


def _write(
    path: pathlib.Path,
    data: pathlib.Path,
    parts: Sequence[Part],
    columns: Sequence[str],
) -> pathlib.Path:
    lines = ["\t".join(columns)]
    for part in parts:
        lines += _rows(data / part.file, part, columns)
    temporary = path.with_suffix(".tmp")
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        temporary.replace(path)
    return path


def _rows(path: pathlib.Path, part: Part, columns: Sequence[str]) -> list[str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"--data: {path}: {error.strerror}") from error
    # Only these end a line: the texts hold other separators.
    lines = content.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")
    fields = [line.split("\t") for line in lines if line]
    places = part.columns
    if places is None:
        header, *fields = fields
        names = [(part.renamed or {}).get(column, column) for column in columns]
        missing = [name for name in names if name not in header]
        if missing:
            raise InputError(
                f"--data: {path}: no column {missing[0]!r}; it has: {', '.join(header)}"
            )
        places = {c: header.index(name) for c, name in zip(columns, names, strict=True)}
    wanted = [places[column] for column in columns]
    for number, row in enumerate(fields, 1):
        if len(row) <= max(wanted):
            raise InputError(
                f"--data: {path}: row {number} has {len(row)} fields; more than "
                f"{max(wanted)} are needed"
            )
    rows = ["\t".join(row[place] for place in wanted) for row in fields]
    if not part.sentences:
        return rows
    return [sentence for row in rows for sentence in _sentences(row)]


def _sentences(document: str) -> list[str]:
    """What ends in a full stop, an exclamation or a question mark, tags taken out."""
    found = map(str.split, _SENTENCE_END.split(_TAG.sub(" ", document)))
    return [" ".join(words) for words in found if len(words) in _WORDS]
