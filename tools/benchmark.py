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
_TEXTS = flags.DEFINE_integer("texts", 200, "How many of the texts are timed.")
_MAX_TOKENS = flags.DEFINE_integer(
    "max_tokens", None, "Leave out texts of more tokens, in the teacher's pieces."
)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "How often each text is timed.")
_RUNTIMES = flags.DEFINE_list(
    "runtimes", ["litert", "tflm"], "Of litert, litert_reference and tflm."
)
_THREADS = flags.DEFINE_list(
    "threads", ["1", "2"], "Numbers of threads; tflm computes on one only."
)
_PEERS = flags.DEFINE_bool("peers", True, "Whether ONNX Runtime runs beside it.")
_REQUESTS = flags.DEFINE_integer("requests", 100_000, "Of each pattern of traffic.")
_WORKERS = flags.DEFINE_integer("workers", 2, "Threads of the load, one a core.")


def main(_: list[str]) -> None:
    """Prints what was measured."""
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
    measures = {
        "latency": lambda: benchmark.latency(
            bundle,
            texts,
            count=_TEXTS.value,
            max_tokens=_MAX_TOKENS.value,
            rounds=_ROUNDS.value,
            runtimes=_RUNTIMES.value,
            threads=benchmark.thread_numbers(_THREADS.value),
            peers=_PEERS.value,
        ),
        "load": lambda: benchmark.load(
            bundle, texts, requests=_REQUESTS.value, workers=_WORKERS.value
        ),
        "memory": lambda: benchmark.added_memory(bundle, texts),
        "tenth_of_a_core": lambda: benchmark.tenth_of_a_core(
            bundle, texts, requests=_REQUESTS.value
        ),
        "operators": lambda: benchmark.operators(bundle, texts),
    }
    measured = {name: measures[name]() for name in dict.fromkeys(_MEASURE.value)}
    _print(measured)


def _print(measured: dict) -> None:
    from ei_bert_tf import benchmark

    print(benchmark.as_text(measured), file=sys.stderr)
    print(json.dumps(measured))


def run() -> None:
    """The console script ei-bert-benchmark."""
    _program.run(main, required=("bundle",))


if __name__ == "__main__":
    run()
