"""Kills runs at random moments of all stages, and runs each to an end of its own.

usage: python -m benchmarks.kills_by_stage --reference=build/demo --count=20 \
           -- --dataset=builtin:bbc_news --preset=quick --max_model_bytes=1000000
The reference is a finished run of the flags behind `--`, never interrupted. For each
kill one of its stages is drawn, the sealing among them, and a run begins in a folder
that holds the stages before it as the reference left them. It is killed (SIGKILL) after
a number of seconds drawn evenly from what starting up and the stage take, whatever it
is at by then. What already stands under a final name has to be whole. Then the run is
started again and goes to its end, and every file of its bundle, and what every stage
left for the next one (weights, the teacher's answers), is compared with the
reference's. Writes benchmarks/kills/NAME_by_stage.json after each kill; a later call
goes on until there are `count`.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from absl import app, flags

from benchmarks._killing import check_whole, digests, stage_at_work
from ei_bert_tf.ablation.record import write_record
from ei_bert_tf.composition import environment
from ei_bert_tf.errors import InputError
from ei_bert_tf.stages import CHECKPOINTS

_REFERENCE = flags.DEFINE_string("reference", None, "A finished run.", required=True)
_NAME = flags.DEFINE_string("name", "demo", "Name of the result.")
_COUNT = flags.DEFINE_integer("count", 20, "Kills.")
_SEED = flags.DEFINE_integer("seed", 0, "Of the stages and moments.")
_RESULTS = pathlib.Path(__file__).parent / "kills"
_STARTING_SECONDS = 15.0


def kill_and_end(
    command: list[str], folder: pathlib.Path, seconds: float, expected: dict[str, str]
) -> dict[str, Any] | None:
    """Kills a run after so many seconds, and runs it again to its end.

    Returns:
        At which `stage` it was killed, and what became of it; None when it ended
        before.

    Raises:
        AssertionError: a file under its final name is not whole after the kill.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    else:
        return None
    stage = stage_at_work(folder)
    check_whole(folder, expected)
    subprocess.run(command, check=True, capture_output=True)
    ended = digests(folder)
    return {
        "stage": stage,
        "seconds": round(seconds, 2),
        "model_sha256": ended["model.tflite"],
        "files": len(ended),
        "different": sorted(
            name
            for name in {*ended, *expected}
            if ended.get(name) != expected.get(name)
        ),
        "seconds_in_all": round(time.perf_counter() - start, 1),
    }


def main(arguments: list[str]) -> None:
    """Kills, compares, and exits with 1 when any bytes differ."""
    reference = pathlib.Path(_REFERENCE.value)
    expected = digests(reference)
    manifest = json.loads((reference / "manifest.json").read_text("utf-8"))
    took = manifest["stage_seconds"]
    target = _RESULTS / f"{_NAME.value}_by_stage.json"
    result: dict[str, Any] = {"flags": arguments[1:], "expected": expected}
    result |= {"draws": 0, "kills": []}
    if target.is_file():
        result = json.loads(target.read_text("utf-8"))
        if (result["expected"], result["flags"]) != (expected, arguments[1:]):
            raise InputError(f"{target}: is of another reference; remove it first")
    while len(result["kills"]) < _COUNT.value:
        # A draw is its own, so that a later call goes on with the same ones.
        generator = np.random.default_rng([_SEED.value, result["draws"]])
        result["draws"] += 1
        drawn = str(generator.choice(list(took)))
        seconds = generator.uniform(1.0, _STARTING_SECONDS + took[drawn])
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            for stage in list(took)[: list(took).index(drawn)]:
                kept = pathlib.Path(CHECKPOINTS) / stage
                shutil.copytree(reference / kept, folder / kept)
            command = [sys.executable, "-m", "tools.compress", *arguments[1:]]
            command.append(f"--output_dir={folder}")
            kill = kill_and_end(command, folder, seconds, expected)
        if kill is not None:
            result["kills"].append({"drawn": drawn} | kill)
            print(len(result["kills"]), *result["kills"][-1].values(), flush=True)
        result["environment"] = environment()
        write_record(result, target)
    same = sum(not kill["different"] for kill in result["kills"])
    print(f"{same} of {len(result['kills'])} killed runs ended with the same bytes")
    if same < len(result["kills"]):
        sys.exit(1)


if __name__ == "__main__":
    app.run(main)
