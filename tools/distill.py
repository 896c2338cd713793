"""Trains the student in float, and with --method=cross the teacher beside it.

The stages before it have to be done in --work_dir with the same choices; the four
programs in a row (train_teacher, prune_vocabulary, distill, quantize) leave the same
model.tflite as tools.compress.
"""

from . import _stage

_STAGES = ("augmentation", "distillation", "refinement")


def main(_: list[str]) -> None:
    """Runs the stage."""
    _stage.run_stages(_STAGES)


def run() -> None:
    """The console script ei-bert-distill."""
    _stage.run(main)


if __name__ == "__main__":
    run()
