"""What a bundle costs to run: beside what people run otherwise, and under load."""

import importlib.util
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ei_bert_tf.bundle import Bundle
from ei_bert_tf.errors import AnyPath, InputError
from ei_bert_tf.evaluation.classifier import Classifier, encode_rows
from ei_bert_tf.evaluation.device_cost import device_cost
from ei_bert_tf.evaluation.latency import Engine, measure, ratios, table
from ei_bert_tf.evaluation.operator_latency import ENGINES, operator_latency
from ei_bert_tf.evaluation.runtimes import RUNTIMES, open_runtime
from ei_bert_tf.evaluation.service import Service
from ei_bert_tf.stages import CHECKPOINTS
from ei_bert_tf.text.builtin import builtin_rows
from ei_bert_tf.text.readers import read_table

DEFAULT_TEXTS = "tweets"
_PEER_PACKAGES = ("onnx", "onnxruntime", "sympy")
_TEACHER_WEIGHTS = f"{CHECKPOINTS}/teacher/teacher.safetensors"
_CALIBRATION_TEXTS = 50
_SERVICE_TEXTS = 1000
_SEED = 0

Texts = list[tuple[str, ...]]


def benchmark_texts(
    bundle: Bundle,
    eval_file: AnyPath | None = None,
    text_columns: Sequence[str] | None = None,
    header: bool = True,
) -> Texts:
    """The texts, or pairs, of a file; without one, the built-in tweets.

    Args:
        eval_file: .tsv, .csv or .jsonl; labels are not needed.
        text_columns: None for those of the bundle's task.
        header: whether the file begins with column names.

    Raises:
        InputError: the file can't be read, or has not what the bundle classifies.
    """
    task = bundle.task
    if eval_file is None:
        if task.is_pair:
            raise InputError(
                "--eval_file is missing: the bundle's task is of pairs, the built-in "
                "texts are single"
            )
        return [(row.text,) for row in builtin_rows(DEFAULT_TEXTS)]
    columns = list(text_columns or task.text_columns)
    if len(columns) != len(task.text_columns):
        raise InputError(
            f"--text_columns={','.join(columns)}: {len(columns)} columns; accepted for "
            f"the bundle's task: {len(task.text_columns)}"
        )
    return list(read_table(eval_file, columns, header).rows)


def latency(
    bundle: Bundle,
    texts: Texts,
    *,
    count: int = 200,
    max_tokens: int | None = None,
    rounds: int = 5,
    runtimes: Sequence[str] = ("litert", "tflm"),
    threads: Sequence[int] = (1, 2),
    peers: bool = True,
) -> dict[str, Any]:
    """Times single texts in the bundle's engines and, side by side, in peers.

    The student always computes all of its tokens; the peers compute as many as a text
    has. All are in one process, on the same texts.

    Args:
        bundle: the student; its checkpoints have the teacher's fine-tuned weights.
        texts: some are drawn from them.
        count: how many.
        max_tokens: longer texts, in the teacher's pieces (without peers the bundle's),
            are not drawn; None for any length.
        rounds: how often each text is classified by each engine.
        runtimes: of RUNTIMES; TFLM computes on one thread only.
        threads: numbers of them.
        peers: whether the teacher and BERT-Tiny's shape run beside it.

    Raises:
        InputError: no text is so short, an unknown runtime, a number of threads or
            rounds that is none, a missing package, or a teacher that is gone.
    """
    _check_latency(runtimes, threads, rounds, count, max_tokens, peers)
    limit = bundle.manifest["max_seq_length"]
    tokenizer = bundle.tokenizer
    if peers:
        teacher = _teacher(bundle)
        tokenizer = teacher.tokenizer
    lengths = encode_rows(tokenizer, texts, (max_tokens or limit) + 1).lengths
    drawn = np.random.default_rng(_SEED).permutation(
        len(texts) if max_tokens is None else np.flatnonzero(lengths <= max_tokens)
    )
    if not drawn.size:
        raise InputError(
            f"--max_tokens={max_tokens}: each of {len(texts)} texts has more"
        )
    rows = np.sort(drawn[:count])
    engines = _own_engines(bundle, runtimes, threads)
    if peers:
        # Imported here because it needs packages of an extra.
        from ei_bert_tf.evaluation.peers import Peers

        calibration = [texts[row] for row in drawn[-_CALIBRATION_TEXTS:]]
        beside = Peers(teacher, limit, calibration)
        engines += [e for number in threads for e in beside.engines(number)]
    timings = measure(engines, [texts[row] for row in rows], rounds)
    tokens = np.minimum(lengths[rows], limit)
    return {
        "model_bytes": len(bundle.model),
        "max_seq_length": limit,
        "texts": len(rows),
        "mean_tokens": round(float(tokens.mean()), 1),
        "max_tokens": int(tokens.max()),
        "rounds": rounds,
        "engines": table(engines, timings, tokens),
        "ratios": ratios(engines, timings, tokens, own="student"),
    }


def load(
    bundle: Bundle, texts: Texts, *, requests: int = 100_000, workers: int = 2
) -> dict[str, Any]:
    """Open-loop traffic at 70 % of saturation against the classifier in LiteRT.

    Args:
        bundle: the student.
        texts: some are drawn from them and asked for again and again.
        requests: of each pattern of arrivals.
        workers: threads with an interpreter each, one for each core.

    Raises:
        InputError: too few requests or workers, or the service's process ended.
    """
    _at_least_one("requests", requests)
    _at_least_one("workers", workers)
    return _service(bundle, texts).under_load(requests, workers)


def tenth_of_a_core(
    bundle: Bundle, texts: Texts, *, requests: int = 100_000
) -> dict[str, Any]:
    """The same with one worker that the kernel stops after 10 of 100 ms.

    Args:
        bundle, texts: as of `load`.
        requests: of which a tenth is sent, because each takes ten times as long.

    Raises:
        InputError: the kernel does not let this process set such a limit; or as load.
    """
    _at_least_one("requests", requests)
    return _service(bundle, texts).on_a_tenth_of_a_core(requests)


def added_memory(bundle: Bundle, texts: Texts) -> dict[str, Any]:
    """Bytes that model, interpreter and tokenizer add to a process, by runtime."""
    service = _service(bundle, texts)
    return {name: service.added_memory(name) for name in RUNTIMES}


def operators(bundle: Bundle, texts: Texts, *, rounds: int = 101) -> dict[str, Any]:
    """Where an inference spends its time, as operator_latency has it, in one thread.

    Args:
        bundle: the student.
        texts: one is drawn from them; time hardly depends on it.
        rounds: how often each operator is timed.

    Raises:
        InputError: no round.
    """
    _at_least_one("rounds", rounds)
    text = texts[np.random.default_rng(_SEED).integers(len(texts))]
    encoded = encode_rows(bundle.tokenizer, [text], bundle.manifest["max_seq_length"])
    return operator_latency(bundle.model, encoded, rounds)


def instructions(bundle: Bundle, core: str) -> dict[str, Any]:
    """What an inference takes on a microcontroller, as device_cost predicts it."""
    return device_cost(bundle.model, core)


def thread_numbers(values: Sequence[str]) -> list[int]:
    """Numbers of threads from text.

    Raises:
        InputError: one is no number.
    """
    wrong = [value for value in values if not value.strip().isdecimal()]
    if wrong or not values:
        raise InputError(
            f"--threads={','.join(values)}: accepted: numbers, such as 1,2"
        )
    return [int(value) for value in values]


def as_text(measured: dict[str, Any]) -> str:
    """The main numbers of measurements by name, as lines for people."""
    lines = []
    if "latency" in measured:
        found = measured["latency"]
        lines.append(
            f"{found['texts']} texts of {found['mean_tokens']:g} tokens on average, "
            f"student of {found['max_seq_length']} tokens; ms for inference"
        )
        lines.append(_row("model", "engine", "threads", "median", "p95", "p99"))
        for engine in found["engines"]:
            times = engine["all"]["inference_ms"].values()
            cells = (engine["model"], engine["engine"], engine["threads"], *times)
            lines.append(_row(*cells))
        for pair in found["ratios"]:
            lines.append(
                f"{pair['engine']}, {pair['threads']} threads: {pair['peer']} "
                f"({pair['peer_engine']}) takes {pair['inference']['all']:.2f} x"
            )
    for engine in ENGINES if "operators" in measured else ():
        found = measured["operators"][engine]
        lines.append(
            f"{engine}: {found['whole_ms']:.3f} ms, its operators alone "
            f"{found['sum_ms']:.3f} ms"
        )
        for row in found["operators"]:
            lines.append(
                f"{row['op']:<16} {row['count']:>4} {row['ms']:>8.4f} "
                f"{row['share']:>6.1%}"
            )
    if "device" in measured:
        found = measured["device"]
        lines.append(
            f"{found['instructions'] / 1e6:.1f} million instructions on a "
            f"{found['core']} with {found['kernels']}"
        )
        if found["uncounted"]:
            lines.append(f"without {', '.join(found['uncounted'])}, not counted yet")
        for row in found["operators"]:
            lines.append(
                f"{row['op']:<16} {row['count']:>4} {row['instructions'] / 1e6:>8.2f} "
                f"{row['share']:>6.1%}"
            )
    for name in ("load", "tenth_of_a_core"):
        for pattern, found in measured.get(name, {}).get("patterns", {}).items():
            times = found["latency_ms"]
            lines.append(
                f"{name}, {pattern}: {found['requests']} requests, "
                f"{found['errors']} errors, median {times['median']:.2f} ms, "
                f"p99 {times['p99']:.2f} ms (of tenths "
                f"{min(times['p99_of_tenths']):.2f} to "
                f"{max(times['p99_of_tenths']):.2f}), "
                f"memory {found['memory_growth']:+.2%}"
            )
    for name, found in measured.get("memory", {}).items():
        added = found["total"]
        lines.append(
            f"memory, {name}: {added['anonymous_bytes'] / 1e6:.2f} MB allocated, "
            f"{added['resident_bytes'] / 1e6:.2f} MB with pages of libraries"
        )
    return "\n".join(lines)


def _row(model, engine, threads, *values) -> str:
    shown = [f"{x:>9.3f}" if isinstance(x, float) else f"{x:>9}" for x in values]
    return f"{model:<16} {engine:<25} {threads:>7} {' '.join(shown)}"


def _service(bundle: Bundle, texts: Texts) -> Service:
    drawn = np.random.default_rng(_SEED).permutation(len(texts))[:_SERVICE_TEXTS]
    return Service(
        bundle.folder, bundle.manifest["max_seq_length"], [texts[row] for row in drawn]
    )


def _own_engines(
    bundle: Bundle, runtimes: Sequence[str], threads: Sequence[int]
) -> list[Engine]:
    found = []
    for number in threads:
        for name in runtimes:
            if name == "tflm" and number > 1:
                continue
            runtime = open_runtime(name, bundle.model, number)
            classifier = Classifier(
                runtime, bundle.tokenizer, bundle.manifest["max_seq_length"]
            )
            found.append(
                Engine(
                    model="student",
                    name=name,
                    threads=number,
                    tokenize=classifier.tokenize,
                    infer=classifier.infer,
                )
            )
    return found


def _teacher(bundle: Bundle):
    """The bundle's teacher, with its fine-tuned weights where they were kept."""
    # Imported here because TensorFlow takes seconds.
    from ei_bert_tf.teacher.backbone import load_teacher
    from ei_bert_tf.weights import load_weights

    teacher = load_teacher(bundle.manifest["teacher_name"], bundle.task.outputs, _SEED)
    weights = bundle.folder / _TEACHER_WEIGHTS
    if weights.is_file():
        load_weights(weights, teacher.model.weights)
    return teacher


def _check_latency(
    runtimes: Sequence[str],
    threads: Sequence[int],
    rounds: int,
    count: int,
    max_tokens: int | None,
    peers: bool,
) -> None:
    unknown = [name for name in runtimes if name not in RUNTIMES]
    if unknown or not runtimes:
        raise InputError(
            f"--runtimes={','.join(runtimes)}: accepted: {', '.join(RUNTIMES)}"
        )
    cores = os.cpu_count() or 1
    if not threads or not all(1 <= number <= cores for number in threads):
        raise InputError(
            f"--threads={','.join(map(str, threads))}: accepted: numbers from 1 to the "
            f"{cores} cores"
        )
    if set(runtimes) == {"tflm"} and 1 not in threads:
        raise InputError(
            f"--runtimes=tflm, --threads={','.join(map(str, threads))}: tflm computes "
            "on one thread only; accepted: 1 among them"
        )
    _at_least_one("rounds", rounds)
    _at_least_one("texts", count)
    if max_tokens is not None:
        _at_least_one("max_tokens", max_tokens)
    missing = [name for name in _PEER_PACKAGES if not importlib.util.find_spec(name)]
    if peers and missing:
        raise InputError(
            f"--peers: {', '.join(missing)} missing; pip install "
            "'ei_bert_tf[benchmarks]' brings it, --nopeers does without"
        )


def _at_least_one(flag: str, value: int) -> None:
    if value < 1:
        raise InputError(f"--{flag}={value}: at least 1 is accepted")
