"""Tables of text from .tsv, .csv and .jsonl files, checked row by row.

Bytes that are not UTF-8 become U+FFFD, as the tokenizer has it, so that one bad byte
costs one character and not the file.
"""

import csv
import dataclasses
import io
import json
import pathlib
from collections.abc import Iterator, Sequence

from ei_bert_tf.errors import AnyPath, InputError
from ei_bert_tf.text.wordpiece import LONE_SURROGATE

SUFFIXES = (".tsv", ".csv", ".jsonl")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclasses.dataclass(frozen=True)
class Table:
    """The wanted columns of a file of N rows.

    Attributes:
        path: the file.
        rows: N tuples, the fields in the order in which the columns were asked for.
        lines: N line numbers from 1, where each row starts.
    """

    path: pathlib.Path
    rows: list[tuple[str, ...]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.rows)


def read_table(path: AnyPath, columns: Sequence[str], header: bool) -> Table:
    """Reads columns of a .tsv (no quoting), .csv (quoted) or .jsonl file.

    Args:
        path: the file; its suffix says the format.
        columns: names, or numbers from 0 for a file without header.
        header: whether the first line names the columns; a .jsonl file names them
            in every line and is refused without it.

    Raises:
        InputError: the file can't be read, has no rows, lacks a column or has a
            broken row.
    """
    path = pathlib.Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        found = f"suffix {suffix!r}" if suffix else "no suffix"
        raise InputError(f"{path}: has {found}; accepted: {', '.join(SUFFIXES)}")
    text = _read_text(path)
    if suffix == ".jsonl":
        if not header:
            raise InputError(
                f"{path}: a .jsonl file names its columns; without header only "
                ".tsv and .csv are accepted"
            )
        rows = _json_rows(path, text, columns)
    else:
        records = _csv_records(path, text) if suffix == ".csv" else _tsv_records(text)
        rows = _table_rows(path, list(records), columns, header)
    if not rows:
        raise InputError(f"{path}: has no rows; at least one is needed")
    return Table(path, [row for _, row in rows], [line for line, _ in rows])


def _read_text(path: pathlib.Path) -> str:
    if path.is_dir():
        raise InputError(f"{path}: is a folder; a {', '.join(SUFFIXES)} file is needed")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    return content.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", errors="replace")


def _tsv_records(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line, fields) of every line; no fields for a blank one."""
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        yield number, line.split("\t") if line else []


def _csv_records(path: pathlib.Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """(first line, fields) of every record; no fields for a blank line."""
    # The module's limit of 131,072 characters a field is global: it is lifted for
    # this file only.
    limit = csv.field_size_limit(len(text) + 1)
    start = 1
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        for fields in reader:
            yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}:{start}: broken row: {error}; quoted comma-separated fields "
            "are accepted"
        ) from None
    finally:
        csv.field_size_limit(limit)


def _table_rows(
    path: pathlib.Path,
    records: list[tuple[int, list[str]]],
    columns: Sequence[str],
    header: bool,
) -> list[tuple[int, tuple[str, ...]]]:
    """(line, wanted fields) of each row of a .tsv or .csv file."""
    while records and not records[-1][1]:
        records.pop()
    if not records:
        return []
    first_line, first = records[0][0], records[0][1] or [""]
    if header:
        indexes = _named_columns(f"{path}:{first_line}", first, columns)
        records = records[1:]
    else:
        indexes = _numbered_columns(path, first, columns)
    width = len(first)
    needed = max(indexes) + 1
    rows = []
    for line, fields in records:
        if not fields and width == 1:
            fields = [""]
        count = len(fields)
        if count != width if header else count < needed:
            expected = f"the header's {width}" if header else f"at least {needed}"
            raise InputError(
                f"{path}:{line}: broken row: {_fields(count)}; expected {expected}"
            )
        rows.append((line, tuple(fields[index] for index in indexes)))
    return rows


def _fields(count: int) -> str:
    if count == 0:
        return "a blank line"
    return f"{count} field" if count == 1 else f"{count} fields"


def _named_columns(
    where: str, names: Sequence[str], columns: Sequence[str]
) -> list[int]:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(
            f"{where}: column {repeated[0]!r} stands twice in the header; column "
            "names must differ"
        )
    for column in columns:
        if column not in names:
            raise _missing_column(where, column, names)
    return [names.index(column) for column in columns]


def _numbered_columns(
    path: pathlib.Path, first: Sequence[str], columns: Sequence[str]
) -> list[int]:
    for column in columns:
        if not (column.isascii() and column.isdecimal()):
            raise InputError(
                f"{path}: column {column!r} is no number; without header columns are "
                f"numbers from 0 (the first row has 0 to {len(first) - 1})"
            )
        if int(column) >= len(first):
            raise _missing_column(f"{path}:1", column, [*map(str, range(len(first)))])
    return [int(column) for column in columns]


def _missing_column(where: str, column: str, names: Sequence[str]) -> InputError:
    known = ", ".join(map(repr, names)) or "none"
    return InputError(f"{where}: no column {column!r}; columns are: {known}")


def _json_rows(
    path: pathlib.Path, text: str, columns: Sequence[str]
) -> list[tuple[int, tuple[str, ...]]]:
    """(line, wanted values) of each object; numbers stay as they are written."""
    rows = []
    lines = text.rstrip().split("\n") if text.strip() else []
    for number, line in enumerate(lines, start=1):
        where = f"{path}:{number}"
        try:
            record = json.loads(
                line,
                parse_int=str,
                parse_float=str,
                parse_constant=_refuse_constant,
                object_pairs_hook=_unique_object,
            )
        except json.JSONDecodeError as error:
            found = "a blank line" if not line.strip() else error.msg
            raise _broken_object(where, found) from None
        except (ValueError, RecursionError) as error:
            raise _broken_object(where, str(error)) from None
        if not isinstance(record, dict):
            raise _broken_object(where, "no object")
        rows.append((number, _values(where, record, columns)))
    return rows


def _refuse_constant(name: str):
    raise ValueError(f"{name} is no JSON value")


def _unique_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"column {repeated!r} stands twice")
    return record


def _broken_object(where: str, found: str) -> InputError:
    return InputError(f"{where}: broken row: {found}; expected one JSON object a line")


def _values(
    where: str, record: dict[str, object], columns: Sequence[str]
) -> tuple[str, ...]:
    values = []
    for column in columns:
        if column not in record:
            raise _missing_column(where, column, list(record))
        value = record[column]
        if not isinstance(value, str):
            kind = {bool: "true or false", type(None): "null", list: "a list"}
            found = kind.get(type(value), "an object")
            raise InputError(
                f"{where}: broken row: column {column!r} is {found}; expected text "
                "or a number"
            )
        # "\ud800" alone is valid JSON, but no text that UTF-8 can hold.
        values.append(LONE_SURROGATE.sub("\ufffd", value))
    return tuple(values)
