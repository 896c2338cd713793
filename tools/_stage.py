"""What the programs of single stages share."""

from collections.abc import Callable, Sequence

from absl import flags

from . import _job, _program

_WORK_DIR = flags.DEFINE_string(
    "work_dir", None, "The folder that all stages of a run work in."
)


def run_stages(stages: Sequence[str]) -> None:
    """Runs the stages as the flags say and prints what they left."""
    # Imported here because TensorFlow takes seconds, which --help need not.
    import ei_bert_tf

    left = ei_bert_tf.run_stages(
        stages, work_dir=_WORK_DIR.value, resume=_job.RESUME.value, **_job.choices()
    )
    for path in left:
        print(path)


def run(main: Callable[[list[str]], None]) -> None:
    """Runs a program with the flags of a stage."""
    _program.run(main, required=("work_dir",), more_flags=[__name__, _job.__name__])
