"""Predicts what norms and forms of attention cost a Cortex-M7, for docs/method.md and
docs/device_cost.md.

usage: python -m benchmarks.norm_costs
Writes benchmarks/norm_costs.json: for a student of 64 tokens, 3 blocks, 128 wide, with
random weights the predicted instructions with CMSIS-NN kernels, their shares by
operator (ei_bert_tf/evaluation/device_cost.py) and the arena: with each norm and
softmax, and with each form of attention and the norm `rms`.
"""

import pathlib
from typing import Any

from absl import app

from ei_bert_tf.ablation.record import write_record
from ei_bert_tf.composition import environment
from ei_bert_tf.evaluation.arena import smallest_arena_bytes
from ei_bert_tf.evaluation.device_cost import device_cost
from ei_bert_tf.preparation import untrained_model
from ei_bert_tf.recipe import ATTENTION_FORMS, NORMS, StudentConfig

_RESULT = pathlib.Path(__file__).with_name("norm_costs.json")


def cost(norm: str, form: str) -> dict[str, Any]:
    """Of one student, printed too."""
    config = StudentConfig(
        *(4000, 64, 3, 128, 64, 4, 32, 512, 384, 5), norm=norm, attention_form=form
    )
    model = untrained_model(config, 0)
    found = device_cost(model)
    shares = {row["op"]: row["share"] for row in found["operators"]}
    million = found["instructions"] / 1e6
    print(f"{norm}, {form}: {million:.1f} million, {shares['FULLY_CONNECTED']:.1%}")
    return found | {"arena_bytes": smallest_arena_bytes(model)}


def main(_: list[str]) -> None:
    """Predicts and writes the record."""
    record = {
        "norms": {norm: cost(norm, "softmax") for norm in NORMS},
        "attention_forms": {form: cost("rms", form) for form in ATTENTION_FORMS},
        "command": "python -m benchmarks.norm_costs",
        "environment": environment(),
    }
    write_record(record, _RESULT)


if __name__ == "__main__":
    app.run(main)
