"""Predicts what each norm costs a Cortex-M7, for docs/method.md and device_cost.md.

usage: python -m benchmarks.norm_costs
Writes benchmarks/norm_costs.json: for a student of 64 tokens, 3 blocks, 128 wide, with
random weights and each norm the predicted instructions with CMSIS-NN kernels and their
shares by operator (ei_bert_tf/evaluation/device_cost.py).
"""

import pathlib

from absl import app

from ei_bert_tf.ablation.record import write_record
from ei_bert_tf.composition import environment
from ei_bert_tf.evaluation.device_cost import device_cost
from ei_bert_tf.preparation import untrained_model
from ei_bert_tf.recipe import NORMS, StudentConfig

_RESULT = pathlib.Path(__file__).with_name("norm_costs.json")


def main(_: list[str]) -> None:
    """Predicts, writes the record and prints the sums."""
    found = {}
    for norm in NORMS:
        config = StudentConfig(4000, 64, 3, 128, 64, 4, 32, 512, 384, 5, norm=norm)
        found[norm] = device_cost(untrained_model(config, 0))
        shares = {row["op"]: row["share"] for row in found[norm]["operators"]}
        million = found[norm]["instructions"] / 1e6
        print(f"{norm} {million:.1f} million, {shares['FULLY_CONNECTED']:.1%}")
    command = "python -m benchmarks.norm_costs"
    record = {"norms": found, "command": command, "environment": environment()}
    write_record(record, _RESULT)


if __name__ == "__main__":
    app.run(main)
