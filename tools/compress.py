"""Compresses a BERT into a full-int8 student for one task and writes its bundle.

The task is a set of files (--train_file, --eval_file, --text_columns, --label_column)
or a named data set (--dataset). The bundle is the folder --output_dir; with --sizes
there is one a size in it, and sizes.html shows what each of them keeps.
"""

from collections.abc import Sequence
from typing import Any

from absl import flags

from . import _job, _program

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "The folder that the bundle is written to."
)
_SIZES = flags.DEFINE_list(
    "sizes",
    [],
    "Instead of --max_model_bytes: limits in bytes, falling, such as 1000000,500000; "
    "one run makes a student for each, from the one before it.",
)


def main(_: list[str]) -> None:
    """Compresses as the flags say and prints what came of it."""
    # Imported here because TensorFlow takes seconds, which --help need not.
    import ei_bert_tf

    found = ei_bert_tf.compress(
        output_dir=_OUTPUT_DIR.value, resume=_job.RESUME.value, **_choices()
    )
    bundles = found if isinstance(found, list) else [found]
    for bundle in bundles:
        print(_stage_table(bundle.manifest["stages"]))
        print()
        print(_runtime_table(bundle.manifest["runtimes"]))
        if "budget" in bundle.manifest:
            print()
            print(_front_table(bundle.manifest["budget"]["front"]))
        if bundle is not bundles[-1]:
            print()


def _choices() -> dict[str, Any]:
    """Those of a job, with --sizes, which --max_model_bytes gives way to."""
    choices = _job.choices()
    if _SIZES.value:
        choices["sizes"] = [
            int(size) if size.isdecimal() else size for size in _SIZES.value
        ]
        if not flags.FLAGS["max_model_bytes"].present:
            del choices["max_model_bytes"]
    return choices


def _stage_table(stages: Sequence[dict[str, Any]]) -> str:
    """One line a stage: name, size, metric, seconds."""
    rows = [["stage", "size", stages[0]["metric"], "seconds"]]
    for stage in stages:
        rows.append(
            [
                stage["name"],
                f"{stage['bytes'] / 1e6:.3f} MB",
                f"{stage['value']:.4f}",
                f"{stage['seconds']:.1f}",
            ]
        )
    return _aligned(rows)


def _runtime_table(runtimes: dict[str, dict[str, Any]]) -> str:
    """One line a runtime: metric, agreement with the reference kernels, arena."""
    metric = next(iter(runtimes.values()))["metric"]
    rows = [["runtime", metric, "agreement", "arena"]]
    for name, measured in runtimes.items():
        arena = measured.get("arena_bytes")
        rows.append(
            [
                name,
                f"{measured['value']:.4f}",
                f"{measured['agreement']:.4f}",
                "-" if arena is None else f"{arena / 1024:.1f} KB",
            ]
        )
    return _aligned(rows)


def _front_table(front: Sequence[dict[str, Any]]) -> str:
    """One line a shape than which nothing is both smaller and better, as predicted."""
    rows = [["shapes", "model", "flash", "M MACs", "loss", "H", "layers", "pieces"]]
    for shape in front:
        config = shape["config"]
        shared = " shared" if config["distinct_blocks"] else ""
        rows.append(
            [
                config["embedding_form"] + shared,
                f"{shape['model_bytes'] / 1e6:.3f} MB",
                f"{shape['flash_bytes'] / 1024:.0f} KB",
                f"{shape['macs'] / 1e6:.2f}",
                f"{shape['loss']:.3f}",
                str(config["hidden_size"]),
                str(config["layers"]),
                str(config["vocabulary_size"]),
            ]
        )
    return _aligned(rows)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns of equal width: the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [
            cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)
        ]
        lines.append("  ".join(cells))
    return "\n".join(lines)


def run() -> None:
    """The console script ei-bert-compress."""
    _program.run(main, required=("output_dir",), more_flags=[_job.__name__])


if __name__ == "__main__":
    run()
