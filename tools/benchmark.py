"""Measures what a bundle costs to run and prints one JSON object; a table on stderr.

--measure=latency times single texts in the bundle's engines and, in the same run, in
ONNX Runtime: the teacher and BERT-Tiny's shape (random weights: time does not depend on
them), both in dynamic and in static int8, with as many tokens as a text has. Ratios are
to the faster of the two and above 1 where the student is faster. load sends open-loop
traffic at 70 % of what the classifier can do at most: steady, Poisson and in bursts;
latencies count from the moment a request comes. memory says what model, interpreter and
tokenizer add to a process. tenth_of_a_core is the load with one worker that the kernel
gives 10 of 100 ms, and a tenth of the requests. operators times each operator of the
file alone, in LiteRT and TFLM: where an inference spends its time.

--device says instead how many instructions an inference takes on a microcontroller, and
which operators they go to.

Without --eval_file the texts are the built-in tweets.
"""

import json
import sys

from absl import flags

from ei_bert_tf.errors import InputError

from . import _program

_BUNDLE = flags.DEFINE_string("bundle", None, "The folder that compress wrote.")
_DEVICE = flags.DEFINE_enum(
    "device",
    None,
    ["cortex-m7"],
    "Measure nothing: predict the instructions on this core with CMSIS-NN kernels.",
)
_MEASURE = flags.DEFINE_multi_enum(
    "measure",
    ["latency"],
    ["latency", "load", "memory", "tenth_of_a_core", "operators"],
    "What to measure; may be given several times.",
)
_EVAL_FILE = flags.DEFINE_string(
    "eval_file", None, "Texts of real length: .tsv, .csv or .jsonl; labels not needed."
)
_TEXT_COLUMNS = flags.DEFINE_list(
    "text_columns", None, "Their column, or two for pairs; default: the bundle's."
)
_HEADER = flags.DEFINE_bool(
    "header",
    True,
    "Whether a .tsv or .csv file begins with column names; without a header, columns "
    "are named by number from 0.",
)
_TEXTS = flags.DEFINE_integer(
    "texts", 200, "Of --measure=latency: how many of the texts are timed."
)
_MAX_TOKENS = flags.DEFINE_integer(
    "max_tokens",
    None,
    "Of --measure=latency: leave out texts of more tokens, in the teacher's pieces.",
)
_ROUNDS = flags.DEFINE_integer(
    "rounds",
    None,
    "How often each text of --measure=latency is timed (by default 5 times), and each "
    "operator of --measure=operators (101 times).",
)
_RUNTIMES = flags.DEFINE_list(
    "runtimes",
    ["litert", "tflm"],
    "Of --measure=latency: which of litert, litert_reference and tflm.",
)
_THREADS = flags.DEFINE_list(
    "threads",
    ["1", "2"],
    "Of --measure=latency: numbers of threads; tflm computes on one only.",
)
_PEERS = flags.DEFINE_bool(
    "peers", True, "Of --measure=latency: whether ONNX Runtime runs beside it."
)
_REQUESTS = flags.DEFINE_integer("requests", 100_000, "Of each pattern of traffic.")
_WORKERS = flags.DEFINE_integer("workers", 2, "Threads of the load, one a core.")


def main(_: list[str]) -> None:
    """Prints what was measured."""
    _refuse_flags_beside_device()
    # Imported here because the interpreters take seconds, which --help need not.
    from ei_bert_tf import benchmark
    from ei_bert_tf.bundle import Bundle

    bundle = Bundle.load(_BUNDLE.value)
    if _DEVICE.value is not None:
        _print({"device": benchmark.instructions(bundle, _DEVICE.value)})
        return
    texts = benchmark.benchmark_texts(
        bundle, _EVAL_FILE.value, _TEXT_COLUMNS.value, _HEADER.value
    )
    # Of each measure its own number of rounds where none is given.
    rounds = {} if _ROUNDS.value is None else {"rounds": _ROUNDS.value}
    measures = {
        "latency": lambda: benchmark.latency(
            bundle,
            texts,
            count=_TEXTS.value,
            max_tokens=_MAX_TOKENS.value,
            runtimes=_RUNTIMES.value,
            threads=benchmark.thread_numbers(_THREADS.value),
            peers=_PEERS.value,
            **rounds,
        ),
        "load": lambda: benchmark.load(
            bundle, texts, requests=_REQUESTS.value, workers=_WORKERS.value
        ),
        "memory": lambda: benchmark.added_memory(bundle, texts),
        "tenth_of_a_core": lambda: benchmark.tenth_of_a_core(
            bundle, texts, requests=_REQUESTS.value
        ),
        "operators": lambda: benchmark.operators(bundle, texts, **rounds),
    }
    measured = {name: measures[name]() for name in dict.fromkeys(_MEASURE.value)}
    _print(measured)


def _refuse_flags_beside_device() -> None:
    given = [flag.name for flag in (_MEASURE, _EVAL_FILE) if flag.present]
    if _DEVICE.value is not None and given:
        raise InputError(f"--device={_DEVICE.value} and --{given[0]}: one of them only")


def _print(measured: dict) -> None:
    from ei_bert_tf import benchmark

    print(benchmark.as_text(measured), file=sys.stderr)
    print(json.dumps(measured))


def run() -> None:
    """The console script ei-bert-benchmark."""
    _program.run(main, required=("bundle",))


if __name__ == "__main__":
    run()
