"""The one call from labelled text to a sealed bundle."""

import importlib.metadata
import json
import os
import pathlib
import platform
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ei_bert_tf.bundle import (
    FORMAT_VERSION,
    LOOKUP_TABLE_FILE,
    MODEL_FILES,
    Bundle,
    file_list,
)
from ei_bert_tf.conversion.conformance import operators
from ei_bert_tf.conversion.zeros import zeros_of
from ei_bert_tf.errors import InputError, writing
from ei_bert_tf.evaluation.arena import smallest_arena_bytes
from ei_bert_tf.evaluation.calibration import Calibration, calibrate
from ei_bert_tf.evaluation.parity import agreement, operator_differences
from ei_bert_tf.evaluation.runtimes import RUNTIMES, Runtime, open_runtime
from ei_bert_tf.firmware import bundle_contents, firmware_contents
from ei_bert_tf.job import Job
from ei_bert_tf.metrics import metric_value
from ei_bert_tf.pipeline import Pipeline
from ei_bert_tf.preparation import Preparation
from ei_bert_tf.progression import preparations, progression
from ei_bert_tf.reporting.sizes import SizesReport
from ei_bert_tf.run_report import run_report
from ei_bert_tf.stages import CHECKPOINTS
from ei_bert_tf.text.datasets import Dataset
from ei_bert_tf.version import __version__
from firmware_export.flash import firmware_bytes, flash_bytes
from firmware_export.package import check_firmware_place, write_firmware
from firmware_export.phone import check_phone_place, write_phone

_PARITY_TEXTS = 50
# What the manifest says of the stage of the file with 4-bit weights as the stage does.
_OF_PALETTE = ("held_out", "seconds", "resumed")
_PACKAGES = (
    "tensorflow",
    "tf-keras",
    "keras-nlp",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "tflite-micro",
    "tokenizers",
    "numpy",
    "scipy",
    "flatbuffers",
)


def compress(
    train: str | os.PathLike | None = None,
    evaluate: str | os.PathLike | None = None,
    text: str | Sequence[str] | None = None,
    label: str | None = None,
    *,
    output_dir: str | os.PathLike,
    resume: bool = True,
    shared_stages: str | os.PathLike | None = None,
    **choices: Any,
) -> Bundle | list[Bundle]:
    """Compresses a BERT for a task.

    Args:
        train, evaluate: files of labelled examples: .tsv, .csv or .jsonl.
        text, label: their columns; two of text make a task of pairs.
        output_dir: folder that the bundle is written to.
        resume: whether finished stages of an interrupted run are reused.
        shared_stages: folder in which several runs share the stages that they have in
            common, such as a task's teacher.
        choices: the other fields of Job, which are the flags of tools.compress.

    Returns:
        The bundle; with `sizes` one a size, from the largest, in `output_dir`/<size>.

    Raises:
        InputError: anything that the caller can mend, before anything is trained.
    """
    job = Job(train=train, evaluate=evaluate, text=text, label=label, **choices)
    folder = pathlib.Path(output_dir)
    shared = None if shared_stages is None else pathlib.Path(shared_stages)
    if not job.sizes:
        _check_places(folder)
        return _sealed(_open_pipeline(job, folder, resume, shared), folder)
    if "max_model_bytes" in choices:
        raise InputError("--sizes and --max_model_bytes: one of them only")
    prepared = preparations(job)
    for size in job.sizes:
        _check_places(folder / str(size))
    _check_untrained_arenas(prepared)
    bundles = []
    for place, pipeline in progression(prepared, folder, resume, shared):
        bundles.append(_sealed(pipeline, place))
    with writing(folder):
        SizesReport([bundle.manifest for bundle in bundles]).write(folder)
    return bundles


def _sealed(pipeline: Pipeline, folder: pathlib.Path) -> Bundle:
    """Runs a pipeline and leaves its bundle."""
    job, data = pipeline.job, pipeline.prepared.dataset
    model = pipeline.run()
    tokenizer = pipeline.tokenizer
    start = time.perf_counter()
    tokens = job.max_seq_length
    encoded = tokenizer.encode(data.evaluate.texts, data.evaluate.pairs, tokens)
    logits, runtimes = {}, {}
    engines = {name: open_runtime(name, model) for name in RUNTIMES}
    for name, engine in engines.items():
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
    if job.max_arena_bytes:
        _check_arena(job.max_arena_bytes, runtimes["tflm"]["arena_bytes"])
    int8_stage = {
        "name": "student_int8",
        "metric": data.task.metric,
        "value": runtimes["litert"]["value"],
        "bytes": len(model),
        "seconds": round(time.perf_counter() - start, 1),
        "resumed": False,
    }
    found = operators(model)
    tables = _lookup_table(pipeline, logits["tflm"])
    manifest: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "package_version": __version__,
        "environment": environment(),
        "task": data.task.to_json(),
        "teacher_name": job.teacher,
        "train_examples": len(data.train),
        "unlabeled_examples": 0 if data.unlabeled is None else len(data.unlabeled),
        "max_model_bytes": job.max_model_bytes,
        "seed": job.seed,
        "recipe": pipeline.recipe.to_json()
        | {
            "preset": job.preset,
            "method": job.method,
            "student_start": job.student_start,
            "target_sparsity": job.target_sparsity,
        },
        "student": pipeline.config.to_json(),
        "stages": [*pipeline.stages, int8_stage],
        "stage_seconds": pipeline.store.seconds | {"evaluation": int8_stage["seconds"]},
        "runtimes": runtimes,
        "operator_differences": operator_differences(
            model, encoded.take(range(min(_PARITY_TEXTS, len(encoded))))
        ),
        "calibration": _calibration(
            pipeline, engines[RUNTIMES[0]], logits[RUNTIMES[0]]
        ).to_json(),
        "model_bytes": len(model),
        "vocabulary_size": len(tokenizer.pieces),
        "segmentation": tokenizer.segmentation(encoded),
        "max_seq_length": tokens,
        "ops": found,
    }
    if job.sizes:
        manifest["sizes"] = list(job.sizes)
    if job.target_sparsity:
        manifest["sparsity"] = {"target": job.target_sparsity} | zeros_of(model)
    if tables is not None:
        manifest["lookup_table"] = tables
        manifest["stages"].append(
            {"name": "student_lookup_table"}
            | {key: tables[key] for key in ("metric", "value", "bytes")}
            | {key: pipeline.palette[key] for key in _OF_PALETTE}
        )
    if data.test is not None:
        manifest["test"] = _test_value(data, model, tokenizer, tokens)
    bundle = Bundle(
        folder, manifest, tokenizer, model, pipeline.lookup_table_model or None
    )
    contents = firmware_contents(bundle)
    manifest["flash_bytes"] = flash_bytes(contents)
    if pipeline.prepared.solution is not None:
        manifest["budget"] = pipeline.prepared.solution.to_json()
        manifest["budget"]["trials"] = pipeline.trials
        _check_flash(job.max_flash_bytes, firmware_bytes(contents))
    _write_model(folder, pipeline)
    with writing(folder / "firmware"):
        write_firmware(contents, folder / "firmware")
    with writing(folder / "phone"):
        write_phone(bundle_contents(bundle), folder / "phone")
    values = engines[RUNTIMES[0]].dequantize(logits[RUNTIMES[0]])
    with writing(folder):
        run_report(pipeline, manifest, contents, values).write(folder)
    manifest["files"] = file_list(folder)
    _write(
        folder / "manifest.json",
        (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode(),
    )
    return Bundle.load(folder)


def run_stages(
    stages: Sequence[str],
    *,
    work_dir: str | os.PathLike,
    resume: bool = True,
    **choices: Any,
) -> list[pathlib.Path]:
    """Runs some stages of the pipeline in a folder that holds the ones before them.

    All of them in a row leave the `model.tflite`, `vocab.txt` and `labels.txt` that
    compress leaves.

    Args:
        stages: neighbours in pipeline.STAGES.
        work_dir: the folder, which may be the `output_dir` of compress.
        resume: False runs them again although they were finished.
        choices: fields of Job.

    Returns:
        What they left: the folders of the stages, or the files.

    Raises:
        InputError: a stage before them has not been run with these choices, or
            anything that compress refuses.
    """
    job, folder = Job(**choices), pathlib.Path(work_dir)
    if job.sizes:
        raise InputError("--sizes: not stage by stage; accepted by tools.compress")
    pipeline = _open_pipeline(job, folder, resume=True)
    model = pipeline.run(stages, again=not resume)
    if not model:
        left = [folder / CHECKPOINTS / stage for stage in stages]
        return [path for path in left if path.is_dir()]
    _write_model(folder, pipeline)
    names = (*MODEL_FILES, *[LOOKUP_TABLE_FILE] * bool(pipeline.lookup_table_model))
    return [folder / name for name in names]


def _open_pipeline(
    job: Job,
    folder: pathlib.Path,
    resume: bool,
    shared: pathlib.Path | None = None,
) -> Pipeline:
    prepared = Preparation(job)
    _check_untrained_arenas([prepared])
    return Pipeline(prepared, folder, resume, shared)


def _check_untrained_arenas(prepared: Sequence[Preparation]) -> None:
    for one in prepared:
        # Where the shape was searched for, its arena was part of the search.
        if one.job.max_arena_bytes and one.solution is None:
            for model in one.untrained_models():
                _check_arena(one.job.max_arena_bytes, smallest_arena_bytes(model))


def _check_places(folder: pathlib.Path) -> None:
    try:
        check_firmware_place(folder / "firmware")
        check_phone_place(folder / "phone")
    except ValueError as error:
        raise InputError(f"--output_dir: {error}") from error


def _write_model(folder: pathlib.Path, pipeline: Pipeline) -> None:
    """The models and the names of their ids."""
    vocabulary = "".join(f"{piece}\n" for piece in pipeline.tokenizer.pieces).encode()
    names = "".join(f"{label}\n" for label in pipeline.task.labels).encode()
    contents = pipeline.model, vocabulary, names
    for name, content in zip(MODEL_FILES, contents, strict=True):
        _write(folder / name, content)
    if pipeline.lookup_table_model:
        _write(folder / LOOKUP_TABLE_FILE, pipeline.lookup_table_model)
    elif not pipeline.job.lookup_table_weights:
        # Of an earlier run in the same folder.
        (folder / LOOKUP_TABLE_FILE).unlink(missing_ok=True)


def _lookup_table(pipeline: Pipeline, logits: np.ndarray) -> dict[str, Any] | None:
    """What the manifest says of the file with 4-bit weights, None where there is none.

    Args:
        logits: int8 [N, C] of model.tflite in TFLM, for the examples to report.
    """
    model, examples = pipeline.lookup_table_model, pipeline.prepared.dataset.evaluate
    if not model:
        return None
    engine = open_runtime("tflm", model)
    found = engine.logits(pipeline.prepared.encode(pipeline.tokenizer, examples))
    needed = smallest_arena_bytes(model)
    if pipeline.job.max_arena_bytes:
        _check_arena(pipeline.job.max_arena_bytes, needed)
    metric = pipeline.task.metric
    return {
        "file": LOOKUP_TABLE_FILE,
        "bytes": len(model),
        "runtime": "tflm",
        "metric": metric,
        "value": metric_value(metric, engine.dequantize(found), examples.targets),
        "agreement": agreement(found, logits),
        "arena_bytes": needed,
        "calibration": _calibration(pipeline, engine, found).to_json(),
        "ops": operators(model),
    }


def _calibration(
    pipeline: Pipeline, engine: Runtime, logits: np.ndarray
) -> Calibration:
    """Of the int8 file, from held-out train and the evaluated rows' int8 logits."""
    task = pipeline.task
    if task.is_regression:
        return Calibration()
    held_out, targets = pipeline.curriculum.held_out()
    return calibrate(
        (engine.dequantize(engine.logits(held_out)), targets),
        (engine.dequantize(logits), pipeline.prepared.dataset.evaluate.targets),
        task.unknown_label is not None,
    )


def _check_arena(limit: int, needed: int) -> None:
    if needed > limit:
        raise InputError(
            f"--max_arena_bytes={limit}: the student needs {needed}; a smaller "
            "--max_seq_length or --max_model_bytes needs less"
        )


def _check_flash(limit: int, needed: int) -> None:
    if limit and needed > limit:
        raise InputError(
            f"--max_flash_bytes={limit}: model, vocabulary, tables and code came out "
            f"at {needed}; ask for {needed - limit} bytes less"
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
        "threads": _threads(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }


def _threads() -> int | None:
    """What TensorFlow sizes its pools by: the CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _cpu() -> str:
    """Name, family, model and stepping: hypervisors give one name to many CPUs, and
    TensorFlow's kernels, so the last bits too, follow from what the CPU can do."""
    info = pathlib.Path("/proc/cpuinfo")
    if not info.is_file():
        return platform.processor() or platform.machine()
    first = info.read_text("utf-8").split("\n\n")[0]
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    found = {name.strip(): value.strip() for name, value in pairs}
    parts = [found.get("model name", platform.machine())]
    keys = {"cpu family": "family", "model": "model", "stepping": "stepping"}
    parts += [f"{name} {found[key]}" for key, name in keys.items() if key in found]
    return ", ".join(parts)


def _write(path: pathlib.Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    with writing(path):
        temporary.write_bytes(content)
    temporary.replace(path)
