"""Times a student beside its teacher and BERT-Tiny's shape in ONNX Runtime int8.

usage: python -m benchmarks.latency --bundle=build/demo
writes benchmarks/speed/latency.json: for students of the bundle's shape that read 16,
32 and as many tokens as the bundle's, with each form of attention, what
tools.benchmark measures on built-in tweets of at most so many tokens, and what each of
their operators takes alone. Only the bundle's own has trained weights, the others have
random ones: time depends on shapes alone. The machine has to have nothing else to do:
the teacher's weights fill most of the processor's cache.
"""

import dataclasses
import importlib.metadata
import itertools
import pathlib
import shlex
import sys

from absl import app, flags

from ei_bert_tf.ablation.record import write_record
from ei_bert_tf.benchmark import as_text, benchmark_texts, latency, operators
from ei_bert_tf.bundle import Bundle
from ei_bert_tf.composition import environment
from ei_bert_tf.preparation import untrained_model
from ei_bert_tf.recipe import ATTENTION_FORMS, StudentConfig

_BUNDLE = flags.DEFINE_string("bundle", None, "A finished bundle.", required=True)
_TEXTS = flags.DEFINE_integer("texts", 300, "How many are timed.")
_ROUNDS = flags.DEFINE_integer("rounds", 7, "How often each is timed.")
_SHORTER = (16, 32)
_RESULT = pathlib.Path(__file__).parent / "speed" / "latency.json"


def student_of(bundle: Bundle, tokens: int, form: str) -> Bundle:
    """A bundle with a student of the same shape, but of this form of attention and
    length."""
    shape = StudentConfig(**bundle.manifest["student"])
    config = dataclasses.replace(shape, max_tokens=tokens, attention_form=form)
    return Bundle(
        bundle.folder,
        bundle.manifest | {"max_seq_length": tokens},
        bundle.tokenizer,
        untrained_model(config, seed=0),
    )


def main(_: list[str]) -> None:
    """Measures, writes the record and prints its main numbers."""
    bundle = Bundle.load(_BUNDLE.value)
    shape = StudentConfig(**bundle.manifest["student"])
    own = bundle.manifest["max_seq_length"], shape.attention_form
    texts = benchmark_texts(bundle)
    students = []
    lengths = [number for number in _SHORTER if number < own[0]] + [own[0]]
    for tokens, form in itertools.product(lengths, ATTENTION_FORMS):
        student = bundle
        if (tokens, form) != own:
            student = student_of(bundle, tokens, form)
        found = latency(
            student,
            texts,
            count=_TEXTS.value,
            max_tokens=tokens,
            rounds=_ROUNDS.value,
        )
        alone = operators(student, texts)
        print(as_text({"latency": found, "operators": alone}), flush=True)
        kind = {"trained": student is bundle, "attention_form": form}
        students.append(kind | found | {"operators": alone})
    record = {
        "students": students,
        "student": bundle.manifest["student"],
        "teacher_name": bundle.manifest["teacher_name"],
        "peer_packages": {
            name: importlib.metadata.version(name) for name in ("onnx", "onnxruntime")
        },
        "command": shlex.join(["python", "-m", "benchmarks.latency", *sys.argv[1:]]),
        "environment": environment(),
    }
    write_record(record, _RESULT)


if __name__ == "__main__":
    app.run(main)
