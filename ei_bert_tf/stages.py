"""Folders of the stages: which is done, which a killed run left half-way.

A stage leaves `checkpoints/<stage>/` with a `done.json` that holds its fingerprint:
the hash of what it was made from. A stage with the same fingerprint is not run again.
While it runs, it works in `checkpoints/.<stage>/`, from which a killed run goes on.
Runs that have stages in common can share them: a folder of finished stages by name and
fingerprint.
"""

import hashlib
import json
import os
import pathlib
import shutil
import time
from collections.abc import Callable, Sequence
from typing import Any

from ei_bert_tf.errors import InputError, writing

CHECKPOINTS = "checkpoints"  # The folder of the stages' folders.
# A training's state in its stage's folder until the stage is done.
TRAINING = "training.safetensors"
# The last weights without quantizers, in the folder of the stage quantization.
FLOAT_STUDENT = "student_float.safetensors"


class Stages:
    """The stages of one run, in order: each depends on all that came before it.

    Args:
        folder: `checkpoints/` of the run.
        resume: False empties it first.
        shared: folder that other runs put their finished stages into as well; stages
            are taken from there (hard links: finished files never change) and left
            there.

    Attributes:
        seconds: what each stage so far took when it was run.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        resume: bool,
        shared: pathlib.Path | None = None,
    ):
        self.folder = folder
        self._shared = shared
        self.seconds: dict[str, float] = {}
        self._fingerprint = ""
        self._expected: frozenset[str] = frozenset()
        if not resume and folder.exists():
            shutil.rmtree(folder)

    def depend_on(self, inputs: Any) -> None:
        """Makes the stages from here on depend on `inputs`, which JSON can hold."""
        text = self._fingerprint + json.dumps(inputs, sort_keys=True)
        self._fingerprint = hashlib.sha256(text.encode()).hexdigest()

    def expect(self, names: Sequence[str]) -> None:
        """Makes `run` refuse these stages where they are not done."""
        self._expected = frozenset(names)

    def forget(self, name: str) -> None:
        """Removes what a stage left, so that it is run again."""
        for folder in (self.folder / name, self.folder / f".{name}"):
            if folder.exists():
                shutil.rmtree(folder)

    def run(
        self, name: str, work: Callable[[pathlib.Path], dict[str, Any]]
    ) -> tuple[dict[str, Any], pathlib.Path]:
        """Runs a stage, unless it is done, and renames its folder when it is.

        Args:
            work: fills the folder that it gets; returns what `done.json` shall hold.

        Returns:
            That, with `seconds` of the run that finished the stage and whether it went
            on from a killed one (`resumed`), and the stage's folder.

        Raises:
            InputError: the stage is expected to be done and is not.
        """
        folder = self.folder / name
        record = folder / "done.json"
        kept = None
        if self._shared is not None:
            kept = self._shared / f"{name}-{self._fingerprint}"
        if kept is not None and kept.is_dir() and not self._is_done(record):
            if folder.exists():
                shutil.rmtree(folder)
            _link(kept, folder)
        if self._is_done(record):
            # Done here alone, or killed before it was shared.
            if kept is not None and not kept.is_dir():
                _link(folder, kept)
            done = json.loads(record.read_text("utf-8"))
            self.seconds[name] = done["seconds"]
            return done, folder
        if name in self._expected:
            raise InputError(
                f"{self.folder}: stage {name!r} comes first and has not been run with "
                "these choices and this data"
            )
        working = self.folder / f".{name}"
        mark = working / "fingerprint"
        begun = mark.is_file() and mark.read_text("utf-8") == self._fingerprint
        if working.exists() and not begun:
            shutil.rmtree(working)
        if folder.exists():
            shutil.rmtree(folder)
        with writing(working):
            working.mkdir(parents=True, exist_ok=True)
            mark.write_text(self._fingerprint, "utf-8")
            start = time.perf_counter()
            done = work(working) | {
                "fingerprint": self._fingerprint,
                "resumed": begun,
                "seconds": round(time.perf_counter() - start, 1),
            }
            (working / TRAINING).unlink(missing_ok=True)
            (working / "done.json").write_text(json.dumps(done), "utf-8")
        working.rename(folder)
        if kept is not None and not kept.is_dir():
            _link(folder, kept)
        self.seconds[name] = done["seconds"]
        return done, folder

    def _is_done(self, record: pathlib.Path) -> bool:
        try:
            done = json.loads(record.read_text("utf-8"))
        except (OSError, ValueError):  # Not there, or cut by a loss of power.
            return False
        return done["fingerprint"] == self._fingerprint


def _link(source: pathlib.Path, target: pathlib.Path) -> None:
    """A second folder with the same files, whole or not at all."""
    temporary = target.with_name(f".{target.name}.tmp")
    if temporary.exists():
        shutil.rmtree(temporary)
    target.parent.mkdir(parents=True, exist_ok=True)
    with writing(target):
        shutil.copytree(source, temporary, copy_function=os.link)
    temporary.rename(target)
