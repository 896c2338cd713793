"""Measures a bundle on a labelled file and prints one JSON object."""

import json

from absl import flags

from . import _program

_BUNDLE = flags.DEFINE_string("bundle", None, "The folder that compress wrote.")
_EVAL_FILE = flags.DEFINE_string(
    "eval_file",
    None,
    "Labelled examples with the columns that the bundle was trained on: .tsv, .csv or "
    ".jsonl.",
)
_HEADER = flags.DEFINE_bool(
    "header",
    True,
    "Whether a .tsv or .csv file begins with column names; without a header, columns "
    "are named by number from 0.",
)
_RUNTIME = flags.DEFINE_enum(
    "runtime", "litert", _program.RUNTIMES, "The interpreter that runs the model."
)
_TFLITE_RUNTIME_PYTHON = flags.DEFINE_string(
    "tflite_runtime_python",
    None,
    "The Python that --runtime=tflite_runtime runs the bundle's "
    "phone/predict_tflite_runtime.py with.",
)


def main(_: list[str]) -> None:
    """Prints the bundle's metrics on the file."""
    _program.check_runtime(_RUNTIME.value, _TFLITE_RUNTIME_PYTHON.value)
    # Imported here because TensorFlow takes seconds, which --help need not.
    import ei_bert_tf

    result = ei_bert_tf.Bundle.load(_BUNDLE.value).evaluate(
        eval_file=_EVAL_FILE.value,
        runtime=_RUNTIME.value,
        header=_HEADER.value,
        tflite_runtime_python=_TFLITE_RUNTIME_PYTHON.value,
    )
    print(json.dumps(result, ensure_ascii=False))


def run() -> None:
    """The console script ei-bert-evaluate."""
    _program.run(main, required=("bundle", "eval_file"))


if __name__ == "__main__":
    run()
