"""The folder that a run leaves: its files, its manifest, and predictions from it."""

import dataclasses
import hashlib
import json
import os
import pathlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.calibration import probabilities
from ei_bert_tf.evaluation.phone_program import PHONE_FILES, run_phone_program
from ei_bert_tf.evaluation.runtimes import RUNTIMES, open_runtime
from ei_bert_tf.metrics import metric_value
from ei_bert_tf.reporting.report import REPORT_FILES
from ei_bert_tf.stages import CHECKPOINTS, FLOAT_STUDENT
from ei_bert_tf.task import Task
from ei_bert_tf.text.datasets import examples_of
from ei_bert_tf.text.wordpiece import WordPiece

FORMAT_VERSION = 1
_TFLITE_RUNTIME = "tflite_runtime"
# The interpreters of the file, the float student that it came from, and the phone
# folder's program.
BUNDLE_RUNTIMES = (*RUNTIMES, "keras", _TFLITE_RUNTIME)
MODEL_FILES = ("model.tflite", "vocab.txt", "labels.txt")
LOOKUP_TABLE_FILE = "model_tflm_lut.tflite"
# What a run leaves and its manifest lists; other files may lie in the folder.
_LISTED_FILES = (*MODEL_FILES, LOOKUP_TABLE_FILE, *REPORT_FILES)
_LISTED_FOLDERS = ("firmware", "phone")
# Of the manifest, what is read here, each with its type.
_PARTS = {"task": dict, "files": dict, "calibration": dict, "max_seq_length": int}
_FLOAT_WEIGHTS = f"{CHECKPOINTS}/quantization/{FLOAT_STUDENT}"


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a text was taken for.

    Attributes:
        label: the class or the task's unknown label, None for regression.
        probability: of the likeliest class, None for regression.
        value: the regression's value, None for classification.
    """

    label: str | None
    probability: float | None
    value: float | None = None


class Bundle:
    """A compressed model with all that is needed to run it.

    Example:
        >>> bundle = Bundle.load("build/demo")
        >>> bundle.predict(["shares fell after the bank's results"])
        [Prediction(label='business', probability=0.98..., value=None)]
    """

    def __init__(
        self,
        folder: pathlib.Path,
        manifest: dict[str, Any],
        tokenizer: WordPiece,
        model: bytes,
        lookup_table_model: bytes | None = None,
    ):
        self.folder = folder
        self.manifest = manifest
        self.task = Task.from_json(manifest["task"])
        self.tokenizer = tokenizer
        self.model = model
        self.lookup_table_model = lookup_table_model

    @classmethod
    def load(cls, folder: str | pathlib.Path) -> "Bundle":
        """Opens a bundle.

        Raises:
            InputError: the folder is none, or a file in it is not the manifest's.
        """
        path = pathlib.Path(folder)
        try:
            manifest = json.loads((path / "manifest.json").read_text("utf-8"))
            version = manifest["format_version"]
            if version == FORMAT_VERSION:
                _check_parts(manifest)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"--bundle={folder}: no readable manifest.json; a folder that "
                "ei-bert-compress finished is accepted"
            ) from error
        if version != FORMAT_VERSION:
            raise InputError(
                f"--bundle={folder}: format {version}; accepted: {FORMAT_VERSION}"
            )
        _check_files(path, manifest, MODEL_FILES)
        tables = None
        if "lookup_table" in manifest:
            _check_files(path, manifest, [LOOKUP_TABLE_FILE])
            tables = (path / LOOKUP_TABLE_FILE).read_bytes()
        tokenizer = WordPiece.load(path / "vocab.txt")
        model = (path / "model.tflite").read_bytes()
        return cls(path, manifest, tokenizer, model, tables)

    def predict(
        self,
        texts: Sequence[str],
        pairs: Sequence[str] | None = None,
        runtime: str = "litert",
        tflite_runtime_python: str | os.PathLike[str] | None = None,
    ) -> list[Prediction]:
        """Classifies texts, or pairs of texts, with one of BUNDLE_RUNTIMES.

        Where the task has an unknown label, a text gets it whose largest probability
        is below the threshold of the manifest's calibration.

        Args:
            tflite_runtime_python: for the runtime `tflite_runtime` alone: the Python
                that runs the phone folder's program.

        Raises:
            InputError: pairs for a task of single texts or the other way round, or an
                unknown runtime, or one that can't run.
        """
        if (pairs is not None) != self.task.is_pair:
            wanted = "pairs of texts" if self.task.is_pair else "single texts"
            raise InputError(f"the bundle's task is of {wanted}")
        if runtime == _TFLITE_RUNTIME:
            answers = self._ask_phone(texts, pairs, tflite_runtime_python)
            return [
                Prediction(answer["label"], answer["probability"], answer["value"])
                for answer in answers
            ]
        values = self._logits(texts, pairs, runtime)
        if self.task.is_regression:
            return [Prediction(None, None, float(value)) for value in values[:, 0]]
        calibration = self.manifest["calibration"]
        rows = probabilities(values, calibration["temperature"])
        return [self._prediction(row, calibration["unknown_threshold"]) for row in rows]

    def _prediction(self, row: np.ndarray, threshold: float) -> Prediction:
        label: str | None = self.task.labels[row.argmax()]
        if row.max() < threshold:
            label = self.task.unknown_label
        return Prediction(label, float(row.max()))

    def evaluate(
        self,
        eval_file: str | pathlib.Path,
        runtime: str = "litert",
        header: bool = True,
        tflite_runtime_python: str | os.PathLike[str] | None = None,
    ) -> dict[str, Any]:
        """Measures the bundle on a labelled file with the task's columns."""
        examples = examples_of(eval_file, self.task, header)
        start = time.perf_counter()
        logits = self._logits(
            examples.texts, examples.pairs, runtime, tflite_runtime_python
        )
        value = metric_value(self.task.metric, logits, examples.targets)
        return {
            "task": self.task.to_json(),
            "runtime": runtime,
            "metrics": {self.task.metric: value},
            "examples": len(examples),
            "seconds": round(time.perf_counter() - start, 3),
        }

    def _logits(self, texts, pairs, runtime: str, python=None) -> np.ndarray:
        if runtime not in BUNDLE_RUNTIMES:
            raise InputError(
                f"--runtime={runtime}: unknown; accepted: {', '.join(BUNDLE_RUNTIMES)}"
            )
        if runtime == _TFLITE_RUNTIME:
            answers = self._ask_phone(texts, pairs, python)
            return np.array([answer["logits"] for answer in answers], np.float32)
        encoded = self.tokenizer.encode(texts, pairs, self.manifest["max_seq_length"])
        if runtime == "keras":
            # Imported here because the interpreters need no TensorFlow.
            from ei_bert_tf.evaluation.float_student import float_logits

            weights = self.folder / _FLOAT_WEIGHTS
            return float_logits(self.manifest["student"], weights, encoded)
        engine = open_runtime(runtime, self.model)
        return engine.dequantize(engine.logits(encoded))

    def _ask_phone(self, texts, pairs, python) -> list[dict[str, Any]]:
        """The answers of the phone folder's program, which has its own tokenizer."""
        if python is None:
            raise InputError(
                "--tflite_runtime_python is missing: --runtime=tflite_runtime needs "
                "the Python that tflite-runtime is installed for"
            )
        _check_files(self.folder, self.manifest, PHONE_FILES)
        return run_phone_program(self.folder, python, texts, pairs)


def _check_parts(manifest: dict[str, Any]) -> None:
    """Raises KeyError or TypeError for a manifest that no run leaves."""
    for name, kind in _PARTS.items():
        if not isinstance(manifest[name], kind):
            raise TypeError(f"{name} is no {kind.__name__}")
    Task.from_json(manifest["task"])


def _check_files(
    folder: pathlib.Path, manifest: dict[str, Any], names: Sequence[str]
) -> None:
    """Refuses a bundle whose files are not those that the run left."""
    for name in names:
        file, listed = folder / name, manifest["files"].get(name)
        if not file.is_file() or _entry(file) != listed:
            raise InputError(
                f"--bundle={folder}: {name} is missing or not the manifest's"
            )


def file_list(folder: pathlib.Path) -> dict[str, dict[str, Any]]:
    """`{path: {bytes, sha256}}` of what a run leaves in a folder, sorted by path."""
    paths = [folder / name for name in _LISTED_FILES]
    for name in _LISTED_FOLDERS:
        paths += (folder / name).rglob("*")
    return {
        path.relative_to(folder).as_posix(): _entry(path)
        for path in sorted(paths)
        if path.is_file()
    }


def _entry(path: pathlib.Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
