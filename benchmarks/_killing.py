"""What the benchmarks of killed runs look at: the files, and the stage at work."""

import hashlib
import json
import pathlib

from ei_bert_tf.bundle import MODEL_FILES
from ei_bert_tf.reporting.report import REPORT_FILES
from ei_bert_tf.stages import CHECKPOINTS

_RESULT_SUFFIXES = (".npy", ".npz", ".safetensors")


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


def check_whole(folder: pathlib.Path, expected: dict[str, str]) -> None:
    """What already stands under a final name has to be whole after a kill.

    Raises:
        AssertionError: it is not.
    """
    for name in MODEL_FILES:
        path = folder / name
        if path.exists():
            found = hashlib.sha256(path.read_bytes()).hexdigest()
            if found != expected[name]:
                raise AssertionError(f"{path} is not whole")
