"""The folder that a run leaves: its files, its manifest, and predictions from it."""

import dataclasses
import hashlib
import json
import pathlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.calibration import probabilities
from ei_bert_tf.evaluation.runtimes import RUNTIMES, open_runtime
from ei_bert_tf.metrics import metric_value
from ei_bert_tf.stages import CHECKPOINTS, FLOAT_STUDENT
from ei_bert_tf.task import Task
from ei_bert_tf.text.datasets import examples_of
from ei_bert_tf.text.wordpiece import WordPiece

FORMAT_VERSION = 1
# The interpreters of the file, and the float student that it came from.
BUNDLE_RUNTIMES = (*RUNTIMES, "keras")
MODEL_FILES = ("model.tflite", "vocab.txt", "labels.txt")
_UNLISTED = ("manifest.json", CHECKPOINTS)
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

    def __init__(self, folder: pathlib.Path, manifest: dict[str, Any]):
        self.folder = folder
        self.manifest = manifest
        self.task = Task.from_json(manifest["task"])
        self.tokenizer = WordPiece.load(folder / "vocab.txt")
        self.model = (folder / "model.tflite").read_bytes()

    @classmethod
    def load(cls, folder: str | pathlib.Path) -> "Bundle":
        """Opens a bundle.

        Raises:
            InputError: the folder is none, or a file in it is not the manifest's.
        """
        path = pathlib.Path(folder)
        try:
            manifest = json.loads((path / "manifest.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                f"--bundle={folder}: no readable manifest.json; a folder that "
                "ei-bert-compress finished is accepted"
            ) from error
        if manifest.get("format_version") != FORMAT_VERSION:
            raise InputError(
                f"--bundle={folder}: format {manifest.get('format_version')}; "
                f"accepted: {FORMAT_VERSION}"
            )
        for name in MODEL_FILES:
            file = path / name
            if not file.is_file() or _digest(file) != manifest["files"][name]["sha256"]:
                raise InputError(
                    f"--bundle={folder}: {name} is missing or not the manifest's"
                )
        return cls(path, manifest)

    def predict(
        self,
        texts: Sequence[str],
        pairs: Sequence[str] | None = None,
        runtime: str = "litert",
    ) -> list[Prediction]:
        """Classifies texts, or pairs of texts, with one of BUNDLE_RUNTIMES.

        Where the task has an unknown label, a text gets it whose largest probability
        is below the threshold of the manifest's calibration.

        Raises:
            InputError: pairs for a task of single texts or the other way round, or an
                unknown runtime.
        """
        if (pairs is not None) != self.task.is_pair:
            wanted = "pairs of texts" if self.task.is_pair else "single texts"
            raise InputError(f"the bundle's task is of {wanted}")
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
    ) -> dict[str, Any]:
        """Measures the bundle on a labelled file with the task's columns."""
        examples = examples_of(eval_file, self.task, header)
        start = time.perf_counter()
        logits = self._logits(examples.texts, examples.pairs, runtime)
        value = metric_value(self.task.metric, logits, examples.targets)
        return {
            "task": self.task.to_json(),
            "runtime": runtime,
            "metrics": {self.task.metric: value},
            "examples": len(examples),
            "seconds": round(time.perf_counter() - start, 3),
        }

    def _logits(self, texts, pairs, runtime: str) -> np.ndarray:
        if runtime not in BUNDLE_RUNTIMES:
            raise InputError(
                f"--runtime={runtime}: unknown; accepted: {', '.join(BUNDLE_RUNTIMES)}"
            )
        encoded = self.tokenizer.encode(texts, pairs, self.manifest["max_seq_length"])
        if runtime == "keras":
            # Imported here because the interpreters need no TensorFlow.
            from ei_bert_tf.evaluation.float_student import float_logits

            weights = self.folder / _FLOAT_WEIGHTS
            return float_logits(self.manifest["student"], weights, encoded)
        engine = open_runtime(runtime, self.model)
        return engine.dequantize(engine.logits(encoded))


def file_list(folder: pathlib.Path) -> dict[str, dict[str, Any]]:
    """`{path: {bytes, sha256}}` of a bundle's files, sorted by path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] not in _UNLISTED:
            found[name.as_posix()] = {
                "bytes": path.stat().st_size,
                "sha256": _digest(path),
            }
    return found


def _digest(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
