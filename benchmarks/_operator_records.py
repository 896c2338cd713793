"""Students whose operators were counted on an emulated core, and what was counted."""

import json
import pathlib

from ei_bert_tf.evaluation.device_cost import Operator
from ei_bert_tf.recipe import StudentConfig

SHAPES = {
    "demo": StudentConfig(4309, 64, 3, 128, 64, 4, 32, 512, 384, 5),
    "t32": StudentConfig(2000, 32, 2, 128, 64, 4, 32, 512, 384, 7),
    "aff": StudentConfig(2000, 64, 2, 128, 64, 4, 32, 512, 384, 2, norm="affine"),
    "pair": StudentConfig(900, 48, 2, 96, 48, 3, 32, 384, 384, 3, pair=True),
    "t128": StudentConfig(2000, 128, 2, 128, 64, 4, 32, 512, 384, 2),
    "odd": StudentConfig(37, 13, 2, 12, 6, 2, 5, 14, 20, 3),
    "h64": StudentConfig(3000, 64, 2, 64, 32, 2, 32, 256, 384, 6),
    "h192": StudentConfig(1500, 24, 1, 192, 96, 6, 32, 768, 384, 4),
    "h256": StudentConfig(1200, 32, 2, 256, 128, 8, 32, 512, 384, 3),
    "aff32": StudentConfig(2500, 32, 3, 112, 56, 3, 32, 448, 384, 12, norm="affine"),
    "aff128": StudentConfig(1500, 128, 2, 80, 40, 2, 32, 320, 384, 3, norm="affine"),
    "t16": StudentConfig(3000, 16, 2, 160, 80, 5, 32, 640, 384, 9),
    "relu": StudentConfig(
        *(4000, 64, 3, 128, 64, 4, 32, 512, 384, 5), norm="rms", attention_form="relu"
    ),
}
LEFT_OUT = ("demo", "pair", "h64", "aff128", "t16", "relu")
RECORDS = pathlib.Path(__file__).parent / "device" / "operators"


def records() -> dict[str, dict]:
    """Every record by the name of its shape."""
    paths = sorted(RECORDS.glob("*.json"))
    return {path.stem: json.loads(path.read_text("utf-8")) for path in paths}


def operator_of(row: dict) -> Operator:
    """A record's operator."""
    return Operator(row["kind"], row["inputs"], row["output"])
