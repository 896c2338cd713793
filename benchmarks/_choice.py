"""The record of a choice: values, seeds, and what held-out train says of each."""

import json
import pathlib
import shlex
import sys
from typing import Any

from ei_bert_tf.ablation.record import write_record
from ei_bert_tf.composition import environment

_CHOICES = pathlib.Path(__file__).parent / "choices"


class Choice:
    """benchmarks/choices/DATA/CHOICE.json, as it grows.

    Args:
        data: the folder's name.
        name: the choice's.
        program: the module that measures it.
    """

    def __init__(self, data: str, name: str, program: str):
        self._path = _CHOICES / data / f"{name}.json"
        self._program = program
        self._found: dict[str, Any] = {"runs": []}
        if self._path.is_file():
            self._found = json.loads(self._path.read_text("utf-8"))

    def has(self, value: str, seed: int) -> bool:
        """Whether a value was measured with a seed."""
        pair = value, seed
        return any((x["value"], x["seed"]) == pair for x in self._found["runs"])

    def add(self, run: dict[str, Any]) -> None:
        """Writes one run more: `value`, `seed` and what was measured."""
        self._found["runs"].append(run)
        self._found["command"] = shlex.join(
            ["python", "-m", f"benchmarks.{self._program}", *sys.argv[1:]]
        )
        self._found["environment"] = environment()
        write_record(self._found, self._path)

    def table(self) -> str:
        """A line for each run."""
        return "\n".join(
            f"{run['value']} seed {run['seed']}: {run['held_out']:.4f}"
            + (f" {run['correlation']:.4f}" if "correlation" in run else "")
            for run in self._found["runs"]
        )
