"""Fits the weights by which the budget solver orders shapes of students.

usage: python -m benchmarks.fit_quality
Reads the runs in benchmarks/choices that vary the shape, and fits ln(1 - correlation of
the logits with the teacher's, held-out train) as linear in the logarithms of
ei_bert_tf/student/quality.py, with an intercept for each record and norm.
The runs are few, so the fit is pulled to a prior: each size counts as its share of the
bytes of the shape that the presets use at 1 MB, in which all was measured, times a
half. Weights are not negative. Writes ei_bert_tf/student/quality.json with the number
of runs and what is left unexplained.
"""

import json
import pathlib

import numpy as np
from absl import app

from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.quality import RECORD, size_logarithms

_CHOICES = pathlib.Path(__file__).parent / "choices"
_OF_SHAPE = (
    "norm",
    "layers",
    "distinct_blocks",
    "embedding_form",
    "embedding_share",
)
# all-MiniLM-L6-v2, the teacher of these runs.
_TEACHER = {
    "vocabulary": 30_522,
    "hidden": 384,
    "heads": 12,
    "feed_forward": 1536,
    "layers": 6,
}
# Bytes of the usual student at 1 MB: the table 0.29 (both its sizes), attention 0.21,
# feed-forward 0.42 of what the hidden size multiplies; all blocks 0.63. How much of a
# block's worth its own kernels are, and what codes cost, is a guess.
_PRIOR = {
    "vocabulary": 0.15,
    "embedding": 0.15,
    "hidden": 0.34,
    "attention": 0.11,
    "feed_forward": 0.21,
    "layers": 0.32,
    "kernels": 0.16,
    "codes": 0.10,
}
# The square of a weight's distance from the prior, beside that of a run's error.
_PULL = 0.1


def runs() -> list[tuple[str, StudentConfig, float]]:
    """Record with norm, shape, and ln(1 - correlation), of each run."""
    found = []
    for path in sorted(_CHOICES.glob("*/*.json")):
        record = json.loads(path.read_text("utf-8"))
        if path.stem not in _OF_SHAPE:
            continue
        for run in record["runs"]:
            config = StudentConfig(**run["student"])
            group = f"{path.parent.name} {path.stem} {config.norm}"
            found.append((group, config, float(np.log(1 - run["correlation"]))))
    return found


def fitted(
    points: list[tuple[str, StudentConfig, float]],
) -> tuple[dict[str, float], float]:
    """Weights by name, and the root mean square of what they leave unexplained."""
    names = list(_PRIOR)
    prior = np.array([_PRIOR[name] for name in names])
    groups = sorted({group for group, _, _ in points})
    sizes = [size_logarithms(config, _TEACHER) for _, config, _ in points]
    x = -np.array([[size[name] for name in names] for size in sizes])
    y = np.array([loss for _, _, loss in points])
    for group in groups:  # Intercepts are free: what is left of each group's mean.
        rows = [number for number, point in enumerate(points) if point[0] == group]
        x[rows] -= x[rows].mean(axis=0)
        y[rows] -= y[rows].mean()
    free = np.ones(len(names), bool)
    weights = prior.copy()
    while True:  # Weights below 0 are set to 0, one after the other.
        a = x[:, free].T @ x[:, free] + _PULL * np.eye(free.sum())
        b = x[:, free].T @ y + _PULL * prior[free]
        weights[:] = 0.0
        weights[free] = np.linalg.solve(a, b)
        if weights.min() >= 0:
            break
        free[weights.argmin()] = False
    left = float(np.sqrt(np.mean(np.square(y - x @ weights))))
    return dict(zip(names, weights.round(4).tolist(), strict=True)), left


def main(_: list[str]) -> None:
    points = runs()
    weights, left = fitted(points)
    record = {
        "command": "python -m benchmarks.fit_quality",
        "runs": len(points),
        "shapes": len({config for _, config, _ in points}),
        "unexplained_rms": round(left, 4),
        "prior": _PRIOR,
        "weights": weights,
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    app.run(main)
