"""Puts a bundle's classifier under load, and counts the memory that it adds.

usage: python -m benchmarks.load --bundle=build/demo
writes benchmarks/speed/load.json, or --name's: open-loop traffic of 100,000 requests a
pattern at 70 % of the highest rate that two threads on two cores keep up with, the
memory that model, interpreter and tokenizer add, and 10,000 requests a pattern with one
thread that a control group of the kernel gives 10 of 100 ms (root is needed). The
machine has to have nothing else to do.
"""

import pathlib
import shlex
import sys

from absl import app, flags

from ei_bert_tf.ablation.record import write_record
from ei_bert_tf.benchmark import (
    added_memory,
    as_text,
    benchmark_texts,
    load,
    tenth_of_a_core,
)
from ei_bert_tf.bundle import Bundle
from ei_bert_tf.composition import environment

_BUNDLE = flags.DEFINE_string("bundle", None, "A finished bundle.", required=True)
_REQUESTS = flags.DEFINE_integer("requests", 100_000, "Of each pattern.")
_NAME = flags.DEFINE_string("name", "load", "Name of the record.")
_RESULTS = pathlib.Path(__file__).parent / "speed"


def main(_: list[str]) -> None:
    """Measures, writes the record and prints its main numbers."""
    bundle = Bundle.load(_BUNDLE.value)
    texts = benchmark_texts(bundle)
    measured = {
        "memory": added_memory(bundle, texts),
        "load": load(bundle, texts, requests=_REQUESTS.value),
        "tenth_of_a_core": tenth_of_a_core(bundle, texts, requests=_REQUESTS.value),
    }
    print(as_text(measured))
    record = measured | {
        "model_bytes": len(bundle.model),
        "max_seq_length": bundle.manifest["max_seq_length"],
        "command": shlex.join(["python", "-m", "benchmarks.load", *sys.argv[1:]]),
        "environment": environment(),
    }
    write_record(record, _RESULTS / f"{_NAME.value}.json")


if __name__ == "__main__":
    app.run(main)
