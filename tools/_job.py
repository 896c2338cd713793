"""The flags of a job, which compress and the programs of single stages share."""

from typing import Any

from absl import flags

from ei_bert_tf import recipe, task
from ei_bert_tf.text import datasets

_TRAIN_FILE = flags.DEFINE_string(
    "train_file", None, "Labelled examples to learn from: .tsv, .csv or .jsonl."
)
_EVAL_FILE = flags.DEFINE_string(
    "eval_file", None, "Labelled examples that are reported; nothing is chosen on them."
)
_TEST_FILE = flags.DEFINE_string(
    "test_file", None, "More labelled examples, reported once at the very end."
)
_UNLABELED_FILE = flags.DEFINE_string(
    "unlabeled_file",
    None,
    "Texts without labels, for the teacher to label; those that the other files "
    "measure by are left out.",
)
_HEADER = flags.DEFINE_bool(
    "header",
    True,
    "Whether .tsv and .csv files begin with column names; without a header, columns "
    "are named by number from 0.",
)
_TEXT_COLUMNS = flags.DEFINE_list(
    "text_columns", None, "The text's column, or two of them for pairs: a or a,b."
)
_LABEL_COLUMN = flags.DEFINE_string("label_column", None, "The label's column.")
_TASK_TYPE = flags.DEFINE_enum(
    "task_type",
    task.CLASSIFICATION,
    (task.CLASSIFICATION, task.REGRESSION),
    "What the label is.",
)
_METRIC = flags.DEFINE_enum(
    "metric",
    None,
    datasets.CLASS_METRICS + datasets.REGRESSION_METRICS,
    "What is reported: by default accuracy, for regression pearson.",
)
_UNKNOWN_LABEL = flags.DEFINE_string(
    "unknown_label",
    None,
    "Label of out-of-scope rows, such as oos: left out of the metric.",
)
_DATASET = flags.DEFINE_string(
    "dataset", None, "Named data instead of files: builtin:NAME or tfds:NAME."
)
_TEACHER = flags.DEFINE_string(
    "teacher",
    "builtin:minilm-l6",
    "The uncased BERT to compress: builtin:minilm-l6, a Hugging Face folder of a BERT "
    "or DistilBERT, or a keras-nlp preset.",
)
_MAX_MODEL_BYTES = flags.DEFINE_integer(
    "max_model_bytes", 1_910_000, "Hard limit on the size of model.tflite, in bytes."
)
_MAX_SEQ_LENGTH = flags.DEFINE_integer(
    "max_seq_length", 64, "Tokens of the exported model, the special ones included."
)
_MAX_ARENA_BYTES = flags.DEFINE_integer(
    "max_arena_bytes",
    0,
    "Limit on the device's RAM for the model; 0 is no limit. Where a student of the "
    "usual proportions needs more, the best shape is searched for that does not.",
)
_MAX_FLASH_BYTES = flags.DEFINE_integer(
    "max_flash_bytes",
    0,
    "Limit on the flash of model, vocabulary, Unicode tables and the C around TFLM "
    "(not TFLM itself); 0 is no limit.",
)
_MAX_MACS = flags.DEFINE_integer(
    "max_macs", 0, "Limit on the multiply-accumulates of an inference; 0 is no limit."
)
_PRESET = flags.DEFINE_enum("preset", "standard", recipe.PRESETS, "How much training.")
_RECIPE = flags.DEFINE_string(
    "recipe", None, "JSON file with single choices that override the preset's."
)
_METHOD = flags.DEFINE_enum(
    "method",
    None,
    recipe.METHODS,
    "How the student learns, by default as the preset does: kd from a still teacher's "
    "answers, cross with a teacher that moves with it, layerwise and relation from the "
    "teacher's tokens too, none without a teacher.",
)
_STUDENT_START = flags.DEFINE_enum(
    "student_start",
    "slice",
    recipe.STUDENT_STARTS,
    "What the student starts as: a slice of the teacher, or random numbers.",
)
_TARGET_SPARSITY = flags.DEFINE_float(
    "target_sparsity",
    0.0,
    "Share of zeros in the student's weights, 0 to below 1: they make the file smaller "
    "under compression, not in flash.",
)
_LOOKUP_TABLE_WEIGHTS = flags.DEFINE_bool(
    "lookup_table_weights",
    False,
    "Whether to leave a second file with weights of 4 bits, for TensorFlow Lite Micro "
    "alone; the firmware then runs that one.",
)
_QUANTIZATION = flags.DEFINE_enum(
    "quantization",
    None,
    recipe.QUANTIZATIONS,
    "qat: the student goes on learning with int8 in its operators (preset quick's); "
    "ptq: its weights are only rounded, with ranges measured on training texts; "
    "better: that of both which is better on held-out train (the other presets').",
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Start of every random choice; equal seeds give equal files."
)
RESUME = flags.DEFINE_bool(
    "resume", True, "Whether finished stages of an interrupted run are reused."
)


def choices() -> dict[str, Any]:
    """The fields of ei_bert_tf.Job as the flags say."""
    return {
        "train": _TRAIN_FILE.value,
        "evaluate": _EVAL_FILE.value,
        "text": _TEXT_COLUMNS.value,
        "label": _LABEL_COLUMN.value,
        "test_file": _TEST_FILE.value,
        "unlabeled_file": _UNLABELED_FILE.value,
        "header": _HEADER.value,
        "task_type": _TASK_TYPE.value,
        "metric": _METRIC.value,
        "unknown_label": _UNKNOWN_LABEL.value,
        "dataset": _DATASET.value,
        "teacher": _TEACHER.value,
        "max_model_bytes": _MAX_MODEL_BYTES.value,
        "max_seq_length": _MAX_SEQ_LENGTH.value,
        "max_arena_bytes": _MAX_ARENA_BYTES.value,
        "max_flash_bytes": _MAX_FLASH_BYTES.value,
        "max_macs": _MAX_MACS.value,
        "preset": _PRESET.value,
        "recipe": _RECIPE.value,
        "method": _METHOD.value,
        "student_start": _STUDENT_START.value,
        "target_sparsity": _TARGET_SPARSITY.value,
        "lookup_table_weights": _LOOKUP_TABLE_WEIGHTS.value,
        "quantization": _QUANTIZATION.value,
        "seed": _SEED.value,
    }
