"""How good a shape of a student is likely to be: a weak guess that orders shapes.

ln(what is lost) falls linearly with the logarithms of the sizes relative to the
teacher's, each with a weight that is not negative: more of anything never counts as
worse. `quality.json` has the weights; benchmarks/fit_quality.py fits them.
"""

import functools
import json
import math
import pathlib
from collections.abc import Mapping

from ei_bert_tf.recipe import StudentConfig

RECORD = pathlib.Path(__file__).with_name("quality.json")


def size_logarithms(
    config: StudentConfig,
    teacher: Mapping[str, int],
) -> dict[str, float]:
    """By name the logarithm of a size in 0..1 of the teacher's.

    Args:
        config: the student's shape.
        teacher: `vocabulary` (pieces that the task uses), `hidden`, `heads`,
            `feed_forward` and `layers` of the teacher.
    """
    shares = {
        "vocabulary": config.vocabulary_size / teacher["vocabulary"],
        "embedding": config.embedding_size / teacher["hidden"],
        "hidden": config.hidden_size / teacher["hidden"],
        "attention": config.heads / teacher["heads"],
        "feed_forward": config.feed_forward_size / teacher["feed_forward"],
        "layers": config.layers / teacher["layers"],
        "kernels": len(set(config.kernel_sets)) / config.layers,
    }
    found = {name: math.log(min(1.0, share)) for name, share in shares.items()}
    return found | {"codes": -1.0 if config.embedding_form == "product" else 0.0}


def predicted_loss(config: StudentConfig, teacher: Mapping[str, int]) -> float:
    """Of a student beside one of the teacher's sizes, which has 1.0; less is better."""
    logarithms = size_logarithms(config, teacher)
    return math.exp(
        -sum(weight * logarithms[name] for name, weight in _weights().items())
    )


@functools.cache
def _weights() -> dict[str, float]:
    return json.loads(RECORD.read_text("utf-8"))["weights"]
