"""Classifies texts with a bundle: one line a text, label<TAB>probability<TAB>text.

The texts are arguments, or columns of --input_file. A pair is one argument with a tab
between its texts. A tab or newline in a text is printed as \\t or \\n. For regression
the value stands in the label's place and the probability is empty.
"""

import os
from collections.abc import Sequence

from absl import flags

from ei_bert_tf.errors import InputError
from ei_bert_tf.text import readers

from . import _program

_BUNDLE = flags.DEFINE_string("bundle", None, "The folder that compress wrote.")
_RUNTIME = flags.DEFINE_enum(
    "runtime", "litert", _program.RUNTIMES, "The interpreter that runs the model."
)
_TFLITE_RUNTIME_PYTHON = flags.DEFINE_string(
    "tflite_runtime_python",
    None,
    "The Python that --runtime=tflite_runtime runs the bundle's "
    "phone/predict_tflite_runtime.py with.",
)
_INPUT_FILE = flags.DEFINE_string(
    "input_file", None, "Texts from a .tsv, .csv or .jsonl file instead of arguments."
)
_TEXT_COLUMNS = flags.DEFINE_list(
    "text_columns", None, "The text's column in --input_file, or two for pairs: a,b."
)
_HEADER = flags.DEFINE_bool(
    "header",
    True,
    "Whether a .tsv or .csv file begins with column names; without a header, columns "
    "are named by number from 0.",
)


def main(arguments: list[str]) -> None:
    """Prints one line for each text."""
    _program.check_runtime(_RUNTIME.value, _TFLITE_RUNTIME_PYTHON.value)
    rows = _rows(arguments)
    # Imported here because TensorFlow takes seconds, which --help need not.
    import ei_bert_tf

    bundle = ei_bert_tf.Bundle.load(_BUNDLE.value)
    texts = [row[0] for row in rows]
    pairs = [row[1] for row in rows] if len(rows[0]) == 2 else None
    predictions = bundle.predict(
        texts,
        pairs=pairs,
        runtime=_RUNTIME.value,
        tflite_runtime_python=_TFLITE_RUNTIME_PYTHON.value,
    )
    for row, prediction in zip(rows, predictions, strict=True):
        if prediction.label is None:
            answer = f"{prediction.value:.6g}\t"
        else:
            answer = f"{prediction.label}\t{prediction.probability:.6f}"
        print(f"{answer}\t{_escaped(row)}")


def _rows(arguments: Sequence[str]) -> Sequence[tuple[str, ...]]:
    """The texts, each alone or each with its pair."""
    if _INPUT_FILE.value is None:
        _refuse_flags_of_a_file()
        return _argument_rows(arguments)
    if arguments:
        raise InputError(
            f"--input_file={_INPUT_FILE.value} and a text {arguments[0]!r}; accepted: "
            "a file or texts"
        )
    columns = _TEXT_COLUMNS.value or []
    if len(columns) not in (1, 2):
        raise InputError(
            f"--text_columns={','.join(columns)}: names {len(columns)} columns of "
            "--input_file; accepted: one, or two for pairs"
        )
    return readers.read_table(_INPUT_FILE.value, columns, _HEADER.value).rows


def _refuse_flags_of_a_file() -> None:
    given = ["--text_columns"] * (_TEXT_COLUMNS.value is not None)
    given += ["--noheader"] * (not _HEADER.value)
    if given:
        raise InputError(f"{given[0]}: not without --input_file, which it describes")


def _argument_rows(arguments: Sequence[str]) -> list[tuple[str, ...]]:
    """Texts or TEXT<TAB>PAIRs from the command line, any bytes as UTF-8."""
    if not arguments:
        raise InputError("no text is given; accepted: texts, or --input_file")
    rows = [
        tuple(os.fsencode(text).decode("utf-8", "replace").split("\t"))
        for text in arguments
    ]
    for number, row in enumerate(rows, start=1):
        if len(row) > 2:
            raise InputError(
                f"text {number} has {len(row) - 1} tabs; accepted: none, or one "
                "between the two texts of a pair"
            )
        if len(row) != len(rows[0]):
            raise InputError(
                f"text {number} is {('single', 'a pair')[len(row) - 1]}, text 1 is "
                "not; accepted: all single or all pairs"
            )
    return rows


def _escaped(row: Sequence[str]) -> str:
    return "\t".join(row).replace("\t", "\\t").replace("\n", "\\n")


def run() -> None:
    """The console script ei-bert-predict."""
    _program.run(main, required=("bundle",), positional="TEXT")


if __name__ == "__main__":
    run()
