"""Measures what zeros among the weights save: zipped, in LiteRT's time, on an NPU.

usage: python -m benchmarks.sparsity --bundle=examples/bundle_bbc_news --vela=VELA
VELA is the program of ethos-u-vela, from an environment of its own (its flatbuffers
clash with TensorFlow's). Writes benchmarks/sparsity.json: for copies of the model in
which the smallest weights of each kernel and table are 0, the file's bytes, the bytes
deflated, the median time of LiteRT's default kernels, and for Ethos-U55 with 128
multiply-accumulates the bytes that Vela makes of the weights and its estimate of the
cycles. Nothing is said about accuracy: zeros are made without training.
"""

import csv
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import flatbuffers
import numpy as np
from absl import app, flags

from ei_bert_tf.ablation.record import write_record
from ei_bert_tf.bundle import Bundle
from ei_bert_tf.composition import environment
from ei_bert_tf.conversion.flatbuffer import is_constant, parse_model, type_name
from ei_bert_tf.conversion.zeros import zeros_of
from ei_bert_tf.evaluation.runtimes import open_runtime
from ei_bert_tf.text.wordpiece import Encoded

_BUNDLE = flags.DEFINE_string("bundle", None, "Folder of a bundle.", required=True)
_VELA = flags.DEFINE_string("vela", None, "The program vela.", required=True)
_SHARES = (0.0, 0.5, 0.75, 0.9)
_ROUNDS, _RUNS = 7, 50
_ACCELERATOR = "ethos-u55-128"
_RESULT = pathlib.Path(__file__).parent / "sparsity.json"


def with_zeros(model: bytes, share: float) -> bytes:
    """The file with so many of the smallest int8 values of each matrix made 0."""
    parsed = parse_model(model)
    for tensor in parsed.subgraphs[0].tensors:
        matrix = type_name(tensor) == "int8" and len(tensor.shape) > 1
        if matrix and is_constant(parsed, tensor):
            buffer = parsed.buffers[tensor.buffer]
            values = np.asarray(buffer.data).view(np.int8).copy()
            order = np.argsort(np.abs(values.astype(int)), kind="stable")
            values[order[: int(share * values.size)]] = 0
            buffer.data = values.view(np.uint8)
    builder = flatbuffers.Builder(len(model) + (1 << 16))
    builder.Finish(parsed.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def compiled(model: bytes) -> dict[str, float]:
    """What Vela says of the model."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model.tflite")
        path.write_bytes(model)
        arguments = [_VELA.value, str(path), "--output-dir", folder]
        arguments += ["--accelerator-config", _ACCELERATOR]
        subprocess.run(arguments, check=True, capture_output=True)
        (summary,) = pathlib.Path(folder).glob("*_summary_*.csv")
        with summary.open(encoding="utf-8", newline="") as file:
            (row,) = csv.DictReader(file)
        names = ("passes_after_fusing", "cycles_npu", "cycles_total")
        found = {name: float(row[name]) for name in names if name in row}
        off_chip = {key: row[key] for key in row if key.endswith("memory_used")}
        found |= {key: float(value) for key, value in off_chip.items() if value}
        (output,) = pathlib.Path(folder).glob("*_vela.tflite")
        return found | {"file_bytes": output.stat().st_size}


def latencies(models: list[bytes], tokens: int) -> list[float]:
    """Milliseconds of one inference of each, the median of rounds in turns."""
    generator = np.random.default_rng(0)
    ids = generator.integers(5, 500, (1, tokens)).astype(np.int32)
    lengths = np.full(1, tokens, np.int32)
    text = Encoded(ids, lengths, np.zeros_like(ids))
    engines = [open_runtime("litert", model) for model in models]
    times: list[list[float]] = [[] for _ in models]
    for _ in range(_ROUNDS):
        for engine, found in zip(engines, times, strict=True):
            inputs = engine.inputs(text, 0)
            start = time.perf_counter()
            for _ in range(_RUNS):
                engine.run(inputs)
            found.append(1000 * (time.perf_counter() - start) / _RUNS)
    return [statistics.median(found) for found in times]


def main(_: list[str]) -> None:
    """Measures, writes the record and prints it."""
    bundle = Bundle.load(_BUNDLE.value)
    models = [with_zeros(bundle.model, share) for share in _SHARES]
    milliseconds = latencies(models, bundle.manifest["max_seq_length"])
    rows: list[dict[str, Any]] = []
    for share, model, time_ms in zip(_SHARES, models, milliseconds, strict=True):
        row = {"share": share, "file_bytes": len(model), **zeros_of(model)}
        row |= {"litert_ms": time_ms, "vela": compiled(model)}
        print(row, flush=True)
        rows.append(row)
    version = subprocess.run(
        [_VELA.value, "--version"], check=True, capture_output=True, text=True
    )
    record = {
        "rows": rows,
        "accelerator": _ACCELERATOR,
        "vela_version": version.stdout.strip(),
        "model_sha256": bundle.manifest["files"]["model.tflite"]["sha256"],
        "command": shlex.join(["python", "-m", "benchmarks.sparsity", *sys.argv[1:]]),
        "environment": environment(),
    }
    write_record(record, _RESULT)


if __name__ == "__main__":
    app.run(main)
