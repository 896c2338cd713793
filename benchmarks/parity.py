"""Measures where LiteRT's kernels, XNNPACK's and TFLM's part, and what it decides.

usage: python -m benchmarks.parity --name=bbc_news --bundle=build/demo \
           --dataset=builtin:bbc_news
       python -m benchmarks.parity --name=snips --bundle=DIR --text_column=text \
           --texts=test.tsv,dev.tsv --bound_texts=train.tsv
writes benchmarks/parity/NAME.json: of 1,000 texts (the named data's evaluated ones and
then its unlabelled ones) the share that gets one class from all three engines, and how
far their logits are apart; of other texts (of train) the bound: the most by which two
engines' leads of one class over another differ, in int8 steps; whether every text with
two classes has its two best logits nearer than that; and for each kind of operator how
its results part from TFLM's when it is given TFLM's inputs.
"""

import csv
import itertools
import pathlib
import shlex
import sys

import numpy as np
from absl import app, flags

from benchmarks._decisions import decisions
from ei_bert_tf.ablation.record import write_record
from ei_bert_tf.bundle import Bundle
from ei_bert_tf.composition import environment
from ei_bert_tf.evaluation.operator_bounds import operator_bounds
from ei_bert_tf.evaluation.runtimes import RUNTIMES, open_runtime
from ei_bert_tf.text.datasets import load_builtin
from ei_bert_tf.text.wordpiece import WordPiece

_NAME = flags.DEFINE_string("name", None, "Name of the data.", required=True)
_BUNDLE = flags.DEFINE_string("bundle", None, "Folder of a bundle.", required=True)
_DATASET = flags.DEFINE_string("dataset", None, "builtin:NAME, instead of files.")
_TEXTS = flags.DEFINE_list("texts", [], ".tsv files of the texts to compare.")
_BOUND_TEXTS = flags.DEFINE_list("bound_texts", [], ".tsv files of the bound's texts.")
_TEXT_COLUMN = flags.DEFINE_string("text_column", "text", "Column of the text.")
_COUNT, _OPERATOR_COUNT = 1000, 30
_RESULTS = pathlib.Path(__file__).parent / "parity"


def read_texts() -> tuple[list[str], list[str]]:
    """The texts to compare, and those of the bound."""
    if _DATASET.value:
        data = load_builtin(_DATASET.value.removeprefix("builtin:"), None)
        more = [] if data.unlabeled is None else data.unlabeled.texts
        return [*data.evaluate.texts, *more], list(data.train.texts)
    compared, bound = (
        [text for name in files for text in _column(pathlib.Path(name))]
        for files in (_TEXTS.value, _BOUND_TEXTS.value)
    )
    return compared, bound


def _column(path: pathlib.Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row[_TEXT_COLUMN.value] for row in rows]


def largest_differences(logits: dict[str, np.ndarray]) -> dict[str, dict[str, int]]:
    """Of each two engines: of a logit, and of the lead of one class over another."""
    found = {}
    for one, other in itertools.combinations(logits, 2):
        apart = logits[one].astype(int) - logits[other]  # [N, C]
        found[f"{one}, {other}"] = {
            "logit": int(np.abs(apart).max()),
            "lead": int(np.ptp(apart, axis=1).max()),
        }
    return found


def main(_: list[str]) -> None:
    """Measures, writes the record and prints its main numbers."""
    bundle = Bundle.load(_BUNDLE.value)
    pieces = (bundle.folder / "vocab.txt").read_text("utf-8").split("\n")[:-1]
    tokens = bundle.manifest["max_seq_length"]
    compared, bounding = (
        WordPiece(pieces).encode(texts[:_COUNT], None, tokens) for texts in read_texts()
    )
    engines = {name: open_runtime(name, bundle.model) for name in RUNTIMES}
    first = {name: engine.logits(bounding) for name, engine in engines.items()}
    second = {name: engine.logits(compared) for name, engine in engines.items()}
    bounds = largest_differences(first)
    bound = max(pair["lead"] for pair in bounds.values())
    record = {
        "texts": len(compared),
        **decisions(second, bound),
        "largest_differences": largest_differences(second),
        "bound_texts": len(bounding),
        "bound": bound,
        "largest_differences_of_bound_texts": bounds,
        "logit_step": engines["litert"].scale,
        "operators": operator_bounds(
            bundle.model, bounding.take(np.arange(_OPERATOR_COUNT))
        ),
        "model_sha256": bundle.manifest["files"]["model.tflite"]["sha256"],
        "command": shlex.join(["python", "-m", "benchmarks.parity", *sys.argv[1:]]),
        "environment": environment(),
    }
    write_record(record, _RESULTS / f"{_NAME.value}.json")
    print(_NAME.value, "same class", record["same_class"], "bound", bound)
    print("leads where apart", record["leads_where_apart"])
    print("apart beyond the bound", record["apart_beyond_the_bound"])


if __name__ == "__main__":
    app.run(main)
