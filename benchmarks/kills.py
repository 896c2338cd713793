"""Kills runs at random moments and checks that they end with the same bytes.

usage: python -m benchmarks.kills --reference=build/demo --count=20 \
           -- --dataset=builtin:bbc_news --preset=quick --max_model_bytes=1000000
The reference is a finished run of the flags behind `--`, never interrupted. A run
starts in an empty folder and is killed (SIGKILL) again and again, each time after a
number of seconds drawn evenly from 10 to 110, whatever it is at: loading, a stage, the
sealing. After each kill what already stands under a final name has to be whole, and
the folder as the kill left it is copied, twice: one copy is run to its end, the other
is what the next kill goes on from. Every file of an ended bundle, and what every stage
left for the next one (weights, the teacher's answers), is compared with the
reference's. When a run ends before its next kill, it is compared too, and another one
begins in an empty folder, until there are `count` kills. Writes
benchmarks/kills/NAME.json after each kill. A later call with a larger count goes on
with new runs; a run that was cut off is not continued.
"""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np
from absl import app, flags

from ei_bert_tf.bundle import MODEL_FILES
from ei_bert_tf.composition import environment
from ei_bert_tf.errors import InputError
from ei_bert_tf.reporting.report import REPORT_FILES
from ei_bert_tf.stages import CHECKPOINTS

_REFERENCE = flags.DEFINE_string("reference", None, "A finished run.", required=True)
_NAME = flags.DEFINE_string("name", "demo", "Name of the result.")
_COUNT = flags.DEFINE_integer("count", 20, "Kills.")
_SEED = flags.DEFINE_integer("seed", 0, "Of the moments.")
_RESULTS = pathlib.Path(__file__).parent / "kills"
_RESULT_SUFFIXES = (".npy", ".npz", ".safetensors")
_LEAST_SECONDS, _MOST_SECONDS = 10.0, 110.0


def digests(folder: pathlib.Path) -> dict[str, str]:
    """sha256 by path of the files of a finished bundle, its reports aside, which tell
    seconds, and of its stages' results."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    results = [
        path.relative_to(folder).as_posix()
        for path in sorted((folder / CHECKPOINTS).glob("*/*"))
        if path.suffix in _RESULT_SUFFIXES
    ]
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in [*manifest["files"], *results]
        if name not in REPORT_FILES
    }


def stage_at_work(folder: pathlib.Path) -> str:
    """The stage that a killed run leaves half-way, or the last one that it finished."""
    stages = folder / CHECKPOINTS
    half_way = [path.name[1:] for path in stages.glob(".*")]
    if half_way:
        return half_way[0]
    done = sorted(stages.glob("*/done.json"), key=lambda path: path.stat().st_mtime)
    return f"after {done[-1].parent.name}" if done else "before the stages"


class Killing:
    """One run that is killed again and again.

    Args:
        command: the run, without its folder.
        expected: digests of the reference.
        folder: an empty one, for the run and its copies.
    """

    def __init__(
        self, command: list[str], expected: dict[str, str], folder: pathlib.Path
    ):
        self._command = command
        self._expected = expected
        self._run = folder / "run"
        self._copy = folder / "copy"

    def kill(self, seconds: float) -> dict[str, Any] | None:
        """Goes on for so long, kills, and runs a copy of what is left to its end.

        Returns:
            After how many `seconds` it was killed, at which `stage`, and what became
            of the copy; None when the run ended before.

        Raises:
            AssertionError: a file under its final name is not whole.
        """
        process = subprocess.Popen(
            [*self._command, f"--output_dir={self._run}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        else:
            return None
        kill = {"seconds": round(seconds, 2), "stage": stage_at_work(self._run)}
        for name in MODEL_FILES:
            path = self._run / name
            if path.exists():
                found = hashlib.sha256(path.read_bytes()).hexdigest()
                if found != self._expected[name]:
                    raise AssertionError(f"{path} is not whole after {kill}")
        self._copy.mkdir()
        if self._run.exists():
            shutil.copytree(self._run, self._copy, dirs_exist_ok=True)
        ended = self._end(self._copy)
        shutil.rmtree(self._copy)
        return kill | ended

    def end(self) -> dict[str, Any]:
        """Runs to the end; what became of it."""
        return self._end(self._run)

    def _end(self, folder: pathlib.Path) -> dict[str, Any]:
        command = [*self._command, f"--output_dir={folder}"]
        subprocess.run(command, check=True, capture_output=True)
        found = digests(folder)
        names = {*found, *self._expected}
        return {
            "model_sha256": found["model.tflite"],
            "files": len(found),
            "different": sorted(
                name for name in names if found.get(name) != self._expected.get(name)
            ),
        }


def main(arguments: list[str]) -> None:
    """Kills, compares, and exits with 1 when any bytes differ."""
    expected = digests(pathlib.Path(_REFERENCE.value))
    target = _RESULTS / f"{_NAME.value}.json"
    result: dict[str, Any] = {
        "flags": arguments[1:],
        "expected": expected,
        "kills": [],
        "ends": [],
        "runs": 0,
    }
    if target.is_file():
        result = json.loads(target.read_text("utf-8"))
        if (result["expected"], result["flags"]) != (expected, arguments[1:]):
            raise InputError(f"{target}: is of another reference; remove it first")

    def write() -> None:
        result["environment"] = environment()
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary_file = target.with_suffix(".tmp")
        temporary_file.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        temporary_file.replace(target)

    command = [sys.executable, "-m", "tools.compress", *arguments[1:]]
    while len(result["kills"]) < _COUNT.value:
        generator = np.random.default_rng([_SEED.value, result["runs"]])
        result["runs"] += 1
        with tempfile.TemporaryDirectory() as temporary:
            run = Killing(command, expected, pathlib.Path(temporary))
            while len(result["kills"]) < _COUNT.value:
                seconds = generator.uniform(_LEAST_SECONDS, _MOST_SECONDS)
                kill = run.kill(seconds)
                if kill is None:
                    result["ends"].append(run.end())
                    write()
                    break
                result["kills"].append(kill)
                print(len(result["kills"]), *kill.values(), flush=True)
                write()
    ended = [*result["kills"], *result["ends"]]
    same = sum(not end["different"] for end in ended)
    print(f"{len(result['kills'])} kills; {same} of {len(ended)} ends are equal")
    if same < len(ended):
        sys.exit(1)


if __name__ == "__main__":
    app.run(main)
