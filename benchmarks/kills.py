"""Kills a run at random moments and checks that it ends with the same bytes.

usage: python -m benchmarks.kills --reference=build/demo --count=20 \
           -- --dataset=builtin:bbc_news --preset=quick --max_model_bytes=1000000
The reference is a finished, never interrupted run of the flags behind `--`. A moment is
drawn evenly from the seconds of all its stages. The stages before that moment are
copied from the reference, since a run would find them finished; the stage of the moment
begins anew, is killed (SIGKILL) that many seconds after it began, and a second run goes
on to the end. Writes benchmarks/kills/NAME.json: for each kill the stage, the second
and the digests of model.tflite, vocab.txt and labels.txt. A kill that is in the file is
not repeated.
"""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import app, flags

from ei_bert_tf.bundle import MODEL_FILES
from ei_bert_tf.composition import environment
from ei_bert_tf.errors import InputError
from ei_bert_tf.stages import CHECKPOINTS

_REFERENCE = flags.DEFINE_string("reference", None, "A finished run.", required=True)
_NAME = flags.DEFINE_string("name", "demo", "Name of the result.")
_COUNT = flags.DEFINE_integer("count", 20, "Kills.")
_SEED = flags.DEFINE_integer("seed", 0, "Of the moments.")
_RESULTS = pathlib.Path(__file__).parent / "kills"
_POLL_SECONDS = 0.05


def digests(folder: pathlib.Path) -> dict[str, str]:
    """sha256 of the files that have to be the same."""
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in MODEL_FILES
    }


def moments(seconds: dict[str, float], count: int, seed: int) -> list[tuple]:
    """(stage, seconds after its start), drawn evenly over all stages' seconds."""
    names = [name for name in seconds if name != "evaluation"]
    ends = np.cumsum([seconds[name] for name in names])
    found = []
    for moment in np.random.default_rng(seed).uniform(0, ends[-1], count):
        index = int(np.searchsorted(ends, moment, side="right"))
        start = ends[index - 1] if index else 0.0
        found.append((names[index], round(float(moment - start), 2)))
    return found


def killed_and_finished(
    reference: pathlib.Path, before: list[str], stage: str, after: float, run: list[str]
) -> dict[str, str]:
    """The digests that a run leaves which was killed in `stage` and run again."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for name in before:
            shutil.copytree(reference / CHECKPOINTS / name, folder / CHECKPOINTS / name)
        command = [sys.executable, "-m", "tools.compress", *run]
        command.append(f"--output_dir={folder}")
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
            working = folder / CHECKPOINTS / f".{stage}"
            while not working.exists() and process.poll() is None:
                time.sleep(_POLL_SECONDS)
            time.sleep(after)
            if process.poll() is not None:
                raise InputError(f"the run ended before it could be killed in {stage}")
            process.kill()
            process.wait()
        subprocess.run(command, check=True, capture_output=True)
        return digests(folder)


def main(arguments: list[str]) -> None:
    """Kills, compares, and exits with 1 when any bytes differ."""
    reference = pathlib.Path(_REFERENCE.value)
    manifest = json.loads((reference / "manifest.json").read_text("utf-8"))
    target = _RESULTS / f"{_NAME.value}.json"
    result = {"expected": digests(reference), "kills": []}
    if target.is_file():
        result = json.loads(target.read_text("utf-8"))
        if result["expected"] != digests(reference):
            raise InputError(f"{target}: is of another reference; remove it first")
    seconds = manifest["stage_seconds"]
    stages = list(seconds)
    drawn = moments(seconds, _COUNT.value, _SEED.value)
    for stage, after in drawn[len(result["kills"]) :]:
        before = stages[: stages.index(stage)]
        found = killed_and_finished(reference, before, stage, after, arguments[1:])
        same = found == result["expected"]
        kill = {"stage": stage, "seconds": after, "same": same, "digests": found}
        result["kills"].append(kill)
        result["flags"] = arguments[1:]
        result["environment"] = environment()
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".tmp")
        temporary.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        temporary.replace(target)
        print(stage, after, "same" if same else "DIFFERENT", flush=True)
    if not all(kill["same"] for kill in result["kills"]):
        sys.exit(1)


if __name__ == "__main__":
    app.run(main)
