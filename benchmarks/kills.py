"""Kills runs at random moments and checks that they end with the same bytes.

usage: python -m benchmarks.kills --reference=build/demo --count=20 \
           -- --dataset=builtin:bbc_news --preset=quick --max_model_bytes=1000000
The reference is a finished run of the flags behind `--`, never interrupted. A run
starts in an empty folder and is killed (SIGKILL) again and again, each time after a
number of seconds drawn evenly from 10 to 200, whatever it is at: loading, a stage, the
sealing. When it has come to its end, every file of its bundle, and what every stage
left for the next one (weights, the teacher's answers), is compared with the
reference's. The next run begins, until there are `count` kills and the last run has
ended. After each kill what already stands under a final name has to be whole. Writes
benchmarks/kills/NAME.json after each run; runs that it holds are not repeated.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from absl import app, flags

from benchmarks._killing import check_whole, digests, stage_at_work
from ei_bert_tf.composition import environment
from ei_bert_tf.errors import InputError

_REFERENCE = flags.DEFINE_string("reference", None, "A finished run.", required=True)
_NAME = flags.DEFINE_string("name", "demo", "Name of the result.")
_COUNT = flags.DEFINE_integer("count", 20, "Kills.")
_SEED = flags.DEFINE_integer("seed", 0, "Of the moments.")
_RESULTS = pathlib.Path(__file__).parent / "kills"
_LEAST_SECONDS, _MOST_SECONDS = 10.0, 200.0


def killed_run(
    command: list[str], folder: pathlib.Path, moments: list[float], expected: dict
) -> dict[str, Any]:
    """Runs to the end, with a kill after each of `moments` that it lasts.

    Returns:
        The `kills`, the `seconds` that all of it took and which files are `different`.
    """
    kills = []
    start = time.perf_counter()
    for moment in moments:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        else:
            break
        kill = {"seconds": round(moment, 2), "stage": stage_at_work(folder)}
        kills.append(kill)
        print(*kill.values(), flush=True)
        check_whole(folder, expected)
    subprocess.run(command, check=True, capture_output=True)
    found = digests(folder)
    return {
        "kills": kills,
        "seconds": round(time.perf_counter() - start, 1),
        "model_sha256": found["model.tflite"],
        "different": sorted(
            name
            for name in {*found, *expected}
            if found.get(name) != expected.get(name)
        ),
    }


def main(arguments: list[str]) -> None:
    """Kills, compares, and exits with 1 when any bytes differ."""
    expected = digests(pathlib.Path(_REFERENCE.value))
    target = _RESULTS / f"{_NAME.value}.json"
    result: dict[str, Any] = {"flags": arguments[1:], "expected": expected, "runs": []}
    if target.is_file():
        result = json.loads(target.read_text("utf-8"))
        if (result["expected"], result["flags"]) != (expected, arguments[1:]):
            raise InputError(f"{target}: is of another reference; remove it first")
    while (done := sum(len(run["kills"]) for run in result["runs"])) < _COUNT.value:
        # A run's moments are its own, so that a later call goes on with the same ones.
        generator = np.random.default_rng([_SEED.value, len(result["runs"])])
        left = _COUNT.value - done
        moments = generator.uniform(_LEAST_SECONDS, _MOST_SECONDS, left).tolist()
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            command = [sys.executable, "-m", "tools.compress", *arguments[1:]]
            command.append(f"--output_dir={folder}")
            result["runs"].append(killed_run(command, folder, moments, expected))
        result["environment"] = environment()
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary_file = target.with_suffix(".tmp")
        temporary_file.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        temporary_file.replace(target)
    for run in result["runs"]:
        ended = "DIFFERENT" if run["different"] else "the same bytes"
        print(len(run["kills"]), "kills:", ended, *run["different"])
    if any(run["different"] for run in result["runs"]):
        sys.exit(1)


if __name__ == "__main__":
    app.run(main)
