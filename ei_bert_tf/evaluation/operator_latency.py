"""Where an inference spends its time: each operator alone, on its real inputs.

An engine's profiler sees what XNNPACK takes over as one operator. Here each has a graph
to itself, from which the time of calling a graph of nothing is taken off. What an
engine wins by looking at neighbours, or loses on its way from one to the next, is what
the sum of the operators lacks beside the whole.
"""

import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from tflite_micro import runtime as tflm

from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.evaluation.operators_alone import (
    OperatorsAlone,
    litert_interpreter,
    set_inputs,
)
from ei_bert_tf.evaluation.runtimes import generous_arena_bytes, open_runtime
from ei_bert_tf.text.wordpiece import Encoded

ENGINES = ("litert", "tflm")


def operator_latency(model: bytes, encoded: Encoded, rounds: int) -> dict[str, Any]:
    """Times every operator of a file alone, with one thread.

    In each round all operators run once, in the file's order, so that each finds the
    processor's caches about as in the whole.

    Args:
        model: the .tflite.
        encoded: one row of the model's T tokens.
        rounds: of which the median counts.

    Returns:
        {"rounds", and for each of ENGINES {"whole_ms": the whole file, "sum_ms": its
        operators alone, "operators": [{"op", "count", "ms", "share" of the sum}], the
        slowest kind first}}.

    Raises:
        ValueError: there is not one row, or no round.
    """
    if len(encoded) != 1 or rounds < 1:
        raise ValueError(
            f"operator latency: {len(encoded)} rows, {rounds} rounds; accepted: 1 row, "
            "at least 1 round"
        )
    alone = OperatorsAlone(model)
    alone.run(encoded)
    inputs = [alone.inputs(number) for number in range(len(alone.files))]
    nothing = _without_operators(alone.files[-1])
    found: dict[str, Any] = {"rounds": rounds}
    for name, prepare in zip(ENGINES, (_litert, _tflm), strict=True):
        runtime = open_runtime(name, model, 1)
        calls = [
            functools.partial(runtime.run, runtime.inputs(encoded, 0)),
            prepare(nothing, inputs[-1]),
            *map(prepare, alone.files, inputs),
        ]
        whole, empty, *single = _medians(calls, rounds)
        times = [max(ms - empty, 0.0) for ms in single]
        found[name] = {"whole_ms": round(whole, 4), **_by_kind(alone.names, times)}
    return found


def _by_kind(names: list[str], times: list[float]) -> dict[str, Any]:
    total = sum(times)
    rows = []
    for op in sorted(set(names)):
        of_op = [ms for name, ms in zip(names, times, strict=True) if name == op]
        rows.append(
            {
                "op": op,
                "count": len(of_op),
                "ms": round(sum(of_op), 4),
                "share": sum(of_op) / total if total else 0.0,
            }
        )
    rows.sort(key=lambda row: -row["share"])
    return {"sum_ms": round(total, 4), "operators": rows}


def _medians(calls: list[Callable[[], Any]], rounds: int) -> list[float]:
    """Milliseconds of each call; the first round is not counted."""
    seconds = np.empty((rounds + 1, len(calls)))
    for row in seconds:
        for number, call in enumerate(calls):
            start = time.perf_counter()
            call()
            row[number] = time.perf_counter() - start
    return (1000 * np.median(seconds[1:], axis=0)).tolist()


def _litert(file: bytes, inputs: list[np.ndarray]) -> Callable[[], Any]:
    engine = litert_interpreter(file)
    set_inputs(engine, inputs)
    return engine.invoke


def _tflm(file: bytes, inputs: list[np.ndarray]) -> Callable[[], Any]:
    graph = flatbuffer.parse_model(file).subgraphs[0]
    engine = tflm.Interpreter.from_bytes(file, arena_size=generous_arena_bytes(graph))
    for number, value in enumerate(inputs):
        engine.set_input(value, number)
    return engine.invoke


def _without_operators(file: bytes) -> bytes:
    """The same graph, which gives what it takes."""
    parsed = flatbuffer.parse_model(file)
    graph = parsed.subgraphs[0]
    graph.operators, graph.outputs = [], graph.inputs
    return flatbuffer.pack_model(parsed)
