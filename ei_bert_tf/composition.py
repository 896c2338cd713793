"""The one call from labelled text to a sealed bundle."""

import importlib.metadata
import json
import os
import pathlib
import platform
import time
from collections.abc import Sequence
from typing import Any

from ei_bert_tf.bundle import FORMAT_VERSION, Bundle, file_list
from ei_bert_tf.conversion.conformance import operators
from ei_bert_tf.errors import InputError, writing
from ei_bert_tf.evaluation.arena import smallest_arena_bytes
from ei_bert_tf.evaluation.metrics import metric_value
from ei_bert_tf.evaluation.parity import agreement, operator_differences
from ei_bert_tf.evaluation.runtimes import RUNTIMES, open_runtime
from ei_bert_tf.pipeline import Pipeline
from ei_bert_tf.recipe import METHODS, STUDENT_STARTS, Recipe
from ei_bert_tf.teacher.backbone import check_teacher_name
from ei_bert_tf.text.builtin import BUILTIN_DATASETS
from ei_bert_tf.text.datasets import Dataset, load_builtin, load_files
from ei_bert_tf.version import __version__
from firmware_export.package import write_firmware

_PARITY_TEXTS = 50
_PACKAGES = (
    "tensorflow",
    "tf-keras",
    "keras-nlp",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "tflite-micro",
    "tokenizers",
    "numpy",
)


def compress(
    train: str | os.PathLike | None = None,
    evaluate: str | os.PathLike | None = None,
    text: str | Sequence[str] | None = None,
    label: str | None = None,
    *,
    output_dir: str | os.PathLike,
    test_file: str | os.PathLike | None = None,
    unlabeled_file: str | os.PathLike | None = None,
    header: bool = True,
    task_type: str = "classification",
    metric: str | None = None,
    unknown_label: str | None = None,
    dataset: str | None = None,
    teacher: str = "builtin:minilm-l6",
    max_model_bytes: int = 1_910_000,
    max_seq_length: int = 64,
    max_arena_bytes: int = 0,
    preset: str = "standard",
    recipe: str | os.PathLike | None = None,
    method: str | None = None,
    student_start: str = "slice",
    seed: int = 0,
    resume: bool = True,
) -> Bundle:
    """Compresses a BERT for a task; the keywords are the flags of tools.compress.

    Raises:
        InputError: anything that the caller can mend, before anything is trained.
    """
    if method is None:
        method = METHODS[0]
    _check_choice("method", method, METHODS)
    _check_choice("student_start", student_start, STUDENT_STARTS)
    if max_seq_length < 3:
        raise InputError(f"--max_seq_length={max_seq_length}: at least 3 tokens")
    if max_arena_bytes < 0:
        raise InputError(f"--max_arena_bytes={max_arena_bytes}: at least 0")
    chosen = Recipe.read(preset, recipe)
    data = _load(
        dataset,
        {"train_file": train, "eval_file": evaluate},
        text,
        label,
        test_file=test_file,
        unlabeled_file=unlabeled_file,
        header=header,
        task_type=task_type,
        metric=metric,
        unknown_label=unknown_label,
    )
    check_teacher_name(teacher)
    folder = pathlib.Path(output_dir)
    pipeline = Pipeline(
        data,
        chosen,
        teacher_name=teacher,
        method=method,
        student_start=student_start,
        max_model_bytes=max_model_bytes,
        max_seq_length=max_seq_length,
        seed=seed,
        folder=folder,
        resume=resume,
    )
    if max_arena_bytes:
        _check_arena(max_arena_bytes, smallest_arena_bytes(pipeline.untrained_model()))
    model, tokenizer = pipeline.run()
    if len(model) > max_model_bytes:
        raise InputError(
            f"--max_model_bytes={max_model_bytes}: the file came out at {len(model)}"
        )
    start = time.perf_counter()
    encoded = tokenizer.encode(data.evaluate.texts, data.evaluate.pairs, max_seq_length)
    logits, runtimes = {}, {}
    for name in RUNTIMES:
        engine = open_runtime(name, model)
        logits[name] = engine.logits(encoded)
        runtimes[name] = {
            "metric": data.task.metric,
            "value": metric_value(
                data.task.metric, engine.dequantize(logits[name]), data.evaluate.targets
            ),
        }
    for name in RUNTIMES:
        runtimes[name]["agreement"] = agreement(
            logits[name], logits["litert_reference"]
        )
    runtimes["tflm"]["arena_bytes"] = smallest_arena_bytes(model)
    if max_arena_bytes:
        _check_arena(max_arena_bytes, runtimes["tflm"]["arena_bytes"])
    int8_stage = {
        "name": "student_int8",
        "metric": data.task.metric,
        "value": runtimes["litert"]["value"],
        "bytes": len(model),
        "seconds": round(time.perf_counter() - start, 1),
        "resumed": False,
    }
    found = operators(model)
    _write(folder / "model.tflite", model)
    vocabulary = "".join(piece + "\n" for piece in tokenizer.pieces).encode()
    _write(folder / "vocab.txt", vocabulary)
    _write(folder / "labels.txt", "".join(f"{x}\n" for x in data.task.labels).encode())
    with writing(folder / "firmware"):
        write_firmware(model, found, folder / "firmware")
    manifest: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "package_version": __version__,
        "environment": environment(),
        "task": data.task.to_json(),
        "teacher_name": teacher,
        "train_examples": len(data.train),
        "max_model_bytes": max_model_bytes,
        "seed": seed,
        "recipe": chosen.to_json()
        | {"preset": preset, "method": method, "student_start": student_start},
        "student": pipeline.config.to_json(),
        "stages": [*pipeline.stages, int8_stage],
        "runtimes": runtimes,
        "operator_differences": operator_differences(
            model, encoded.take(range(min(_PARITY_TEXTS, len(encoded))))
        ),
        "calibration": {"temperature": 1.0, "unknown_threshold": 0.0},
        "model_bytes": len(model),
        "flash_bytes": len(model) + len(vocabulary),
        "vocabulary_size": len(tokenizer.pieces),
        "max_seq_length": max_seq_length,
        "ops": found,
        "files": file_list(folder),
    }
    if data.test is not None:
        manifest["test"] = _test_value(data, model, tokenizer, max_seq_length)
    _write(
        folder / "manifest.json",
        (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode(),
    )
    return Bundle.load(folder)


def _load(dataset, files, text, label, *, metric, **others) -> Dataset:
    """The named data set, or the files; never both."""
    if dataset is not None:
        given = [name for name, value in files.items() if value is not None]
        if given:
            raise InputError(f"--dataset={dataset} and --{given[0]}: one of them only")
        names = [f"builtin:{name}" for name in BUILTIN_DATASETS]
        if dataset not in names:
            raise InputError(
                f"--dataset={dataset}: unknown; accepted: {', '.join(names)}"
            )
        return load_builtin(dataset.removeprefix("builtin:"), metric)
    needed = files | {"text_columns": text, "label_column": label}
    for name, value in needed.items():
        if not value:
            raise InputError(f"--{name} is missing: needed unless --dataset is given")
    return load_files(
        **files,
        text_columns=[text] if isinstance(text, str) else list(text),
        label_column=label,
        metric=metric,
        **others,
    )


def _check_choice(name: str, value: str, accepted: Sequence[str]) -> None:
    if value not in accepted:
        raise InputError(f"--{name}={value}: accepted: {', '.join(accepted)}")


def _check_arena(limit: int, needed: int) -> None:
    if needed > limit:
        raise InputError(
            f"--max_arena_bytes={limit}: the student needs {needed}; a smaller "
            "--max_seq_length or --max_model_bytes needs less"
        )


def _test_value(data: Dataset, model: bytes, tokenizer, tokens: int) -> dict[str, Any]:
    engine = open_runtime("litert", model)
    encoded = tokenizer.encode(data.test.texts, data.test.pairs, tokens)
    value = metric_value(
        data.task.metric, engine.dequantize(engine.logits(encoded)), data.test.targets
    )
    return {"metric": data.task.metric, "value": value, "runtime": "litert"}


def environment() -> dict[str, Any]:
    """What numbers depend on beside the seed: Python, CPU, threads, packages."""
    return {
        "python": platform.python_version(),
        "cpu": _cpu(),
        "threads": os.cpu_count(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }


def _cpu() -> str:
    info = pathlib.Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _write(path: pathlib.Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    with writing(path):
        temporary.write_bytes(content)
    temporary.replace(path)
