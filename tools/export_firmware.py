"""Exports a bundle as a package for the build system of a device.

The package holds the model, the tokenizer and the classifier as C99 and C++17 sources,
an example that classifies lines from the serial port, and a README.md that says how to
build it; TensorFlow Lite Micro is what the user brings. The same flags give the same
bytes. An older export in --output_dir is replaced as a whole, a folder of anything else
is refused.
"""

from absl import flags

from firmware_export.arrays import FORMS
from firmware_export.blob import LARGEST_SEQUENCE
from firmware_export.target import TARGETS
from firmware_export.unicode_tables import SETS

from . import _program

_BUNDLE = flags.DEFINE_string("bundle", None, "The folder that compress wrote.")
_TARGET = flags.DEFINE_enum(
    "target", None, list(TARGETS), "The build system that the package is for."
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder that the package is written to."
)
_UNICODE = flags.DEFINE_enum(
    "unicode",
    "full",
    list(SETS),
    "Which code points the tokenizer's tables know: the fewer, the less flash they "
    "take. A word with another code point is [UNK].",
)
_MODEL_FORM = flags.DEFINE_enum(
    "model_form",
    FORMS[0],
    FORMS,
    "How the model comes: an array that can be read, a string literal, which compiles "
    "in a fraction of the time, or an object file to link, which cmake, zephyr and "
    "bazel take.",
)
_SEQUENCE = flags.DEFINE_integer(
    "sequence",
    1,
    "Number of ei_bert.blob: of the blobs in the two slots of a device, the one with "
    "the larger number runs. It is also the last part of the package's version.",
    lower_bound=0,
    upper_bound=LARGEST_SEQUENCE,
)


def main(_: list[str]) -> None:
    """Writes the package and says where."""
    # Imported here because TensorFlow takes seconds, which --help need not.
    import ei_bert_tf
    from ei_bert_tf.firmware import export_firmware

    export_firmware(
        ei_bert_tf.Bundle.load(_BUNDLE.value),
        _TARGET.value,
        _OUTPUT_DIR.value,
        _UNICODE.value,
        _MODEL_FORM.value,
        _SEQUENCE.value,
    )
    print(f"{_OUTPUT_DIR.value}: {_TARGET.value} package, see its README.md")


def run() -> None:
    """The console script ei-bert-export-firmware."""
    _program.run(main, required=("bundle", "target", "output_dir"))


if __name__ == "__main__":
    run()
