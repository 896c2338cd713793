"""Every choice of a run: the recipe of the training and the shape of the student."""

import dataclasses
import json
import pathlib
import sys
from typing import Any

from ei_bert_tf.errors import AnyPath, InputError

PRESETS = ("quick", "standard", "thorough")
METHODS = ("kd", "cross", "layerwise", "relation", "none")
# What each preset does unless it is told otherwise; docs/method.md says why.
PRESET_METHODS = {"quick": "kd", "standard": "cross", "thorough": "cross"}
STUDENT_STARTS = ("slice", "random")
NORMS = ("layer", "rms", "affine")
ATTENTION_FORMS = ("softmax", "relu")
TASK_LAYERS = ("copied", "frozen", "shared")
TEACHER_READS = ("student", "own")
KEEP_BY = ("attention", "frequency", "both")
QUANTIZATIONS = ("better", "qat", "ptq")
RANGES = ("running", "percentile", "learned")
WEIGHT_SCALES = ("tensor", "channel")
EMBEDDING_FORMS = ("table", "product")
# Of a product embedding: dimensions that one code stands for.
CODE_DIMENSIONS = 4
# The widest embedding for a hidden size of 1.
MOST_EMBEDDING_SHARE = 0.5
REMOVAL_SCORES = ("taylor", "magnitude")
LOSS_WEIGHTS = (
    "logits_weight",
    "features_weight",
    "task_weight",
    "hidden_weight",
    "attention_weight",
    "relation_weight",
)

_BELOW_ONE = (
    "held_out_share",
    "teacher_dropout",
    "teacher_average",
    "student_dropout",
    "warmup_share",
    "augmented_words",
    "augmented_splices",
    "augmented_joins",
)
_MAY_BE_ZERO = (
    "augmented_copies",
    "augmented_least_texts",
    "student_epochs",
    "teacher_least_steps",
    "teacher_class_steps",
    "student_least_steps",
    "quantization_least_steps",
    "palette_least_steps",
    "distinct_blocks",
    "epoch_texts",
    "refinement_epochs",
)
_ONE_OF = {
    "norm": NORMS,
    "attention_form": ATTENTION_FORMS,
    "keep_by": KEEP_BY,
    "embedding_form": EMBEDDING_FORMS,
    "task_layers": TASK_LAYERS,
    "refinement_teacher_reads": TEACHER_READS,
    "quantization": QUANTIZATIONS,
    "quantization_ranges": RANGES,
    "weight_scales": WEIGHT_SCALES,
    "removal_scores": REMOVAL_SCORES,
}


def codebook_entries(pieces: int) -> int:
    """Rows of each codebook of a product embedding: as many as an int8 code tells
    apart, and no more than there are pieces."""
    return min(256, pieces)


@dataclasses.dataclass(frozen=True)
class StudentConfig:
    """Shape of a student; the graph follows from it.

    Attributes:
        vocabulary_size: V, pieces kept.
        max_tokens: T, the fixed sequence length of the exported graph.
        layers: transformer blocks.
        hidden_size: H, width of the residual stream.
        embedding_size: E, width of the embedding table.
        heads: N attention heads a block.
        head_size: D, width of a head (the teacher's).
        feed_forward_size: F.
        task_size: width of the teacher's pooler, which the student ends in.
        outputs: C, classes, or 1 for regression.
        norm: `layer` (LayerNorm), `rms` (the same without a gain, which is RMSNorm
            without weights in the file), or `affine` (element-wise scale, MobileBERT's
            NoNorm).
        attention_form: what becomes of scores: `softmax`, or `relu`, which takes a
            score below 0 as 0 and leaves the others as they are.
        pair: whether segment ids are an input.
        weight_scales: of a kernel's int8: one a `tensor`, or one a `channel` (column).
        distinct_blocks: sets of kernels that the blocks share, neighbours one set; 0
            for one set a block.
        embedding_form: `table` [V, E], or `product`: of each piece E / CODE_DIMENSIONS
            codes, each a row of a codebook.
    """

    vocabulary_size: int
    max_tokens: int
    layers: int
    hidden_size: int
    embedding_size: int
    heads: int
    head_size: int
    feed_forward_size: int
    task_size: int
    outputs: int
    norm: str = "layer"
    attention_form: str = ATTENTION_FORMS[0]
    pair: bool = False
    weight_scales: str = WEIGHT_SCALES[0]
    distinct_blocks: int = 0
    embedding_form: str = EMBEDDING_FORMS[0]

    def __post_init__(self):
        for name in ("norm", "attention_form", "weight_scales", "embedding_form"):
            value, accepted = getattr(self, name), _ONE_OF[name]
            if value not in accepted:
                raise InputError(f"{name}: {value!r}; accepted: {', '.join(accepted)}")
        if not 0 <= self.distinct_blocks <= self.layers:
            raise InputError(
                f"distinct_blocks: {self.distinct_blocks}; 0 to {self.layers} blocks"
            )
        if self.embedding_form == "product" and self.embedding_size % CODE_DIMENSIONS:
            raise InputError(
                f"embedding_size: {self.embedding_size}; a product embedding has a "
                f"multiple of {CODE_DIMENSIONS}"
            )

    @property
    def has_channel_scales(self) -> bool:
        """Whether each column of a kernel has a scale of its own."""
        return self.weight_scales == "channel"

    @property
    def kernel_sets(self) -> list[int]:
        """For each block the number of the set of kernels that it uses."""
        distinct = self.distinct_blocks or self.layers
        return [index * distinct // self.layers for index in range(self.layers)]

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How much training and of what kind. Lengths in epochs over the training texts;
    where these are fewer steps, *_least_steps is how many there are: a few thousand
    texts take more rounds. teacher_class_steps is so for each class.

    Attributes:
        held_out_share, held_out_most: part of train that choices are made on.
        teacher_*: fine-tuning (Devlin et al. 2019, appendix A.3); teacher_average is
            the decay of the running mean of its weights, which is what stays.
        keep_by: which pieces stay: those that receive most attention, the most
            frequent, or those with the largest product of both.
        augmented_copies, augmented_words, augmented_splices, augmented_joins: texts
            that the student learns beside the given ones: copies of each, in which that
            share of the words is replaced; that share of the copies, of pairs their
            second texts, go on with the end of another one; that share of the copies
            of single texts, with a whole one. Where there are any,
            augmented_least_texts makes them more until there are so many.
        student_*: distillation in float, over given and augmented texts.
        epoch_texts: a student's epoch is at most so many of its texts, shared out
            over the epochs; 0 for all.
        task_layers: what becomes of the teacher's pooler and classifier in the student:
            `copied` and trained on, `frozen`, or, while both move, `shared` (frozen
            where the teacher stands still).
        refinement_*: method cross, over the given texts, teacher and student moving;
            refinement_student_weight is that of the student's side in the teacher's
            loss, a teacher's rate of 0 keeps the teacher still, and
            refinement_teacher_reads says whose ids it reads.
        candidates, candidate_steps: where a shape is searched for, so many of the best
            are trained for so many steps, the better half for twice as many, and so on
            until one is left; 1 trusts the guess.
        removal_scores, removal_steps: with several sizes, what heads, neurons,
            embedding dimensions and blocks are removed by, and in how many steps.
        pruning_epochs: before quantization, where zeros are asked for.
        quantization: `qat`, the same losses under quantization-aware training,
            `ptq`, the trained weights rounded, with ranges of the training texts, or
            the `better` of both on held-out train, qat where they are equal.
        quantization_*: of qat. quantization_ranges of activations, for ptq too: the
            `running` mean of the batches' ends, those of the first batches without
            what lies beyond the quantization_percentile of the absolute values, or
            `learned` by gradients from there (qat only). quantization_noise is on the
            logits, in int8 steps of theirs, as engines differ (docs/parity.md).
        weight_scales: of a kernel: one a `tensor`, or one a `channel` (column).
        palette_*: with weights of 16 values, where they are asked for, at the rate of
            quantization.
        logits_weight, features_weight, task_weight: of MSE on logits, MSE on the
            states that the pooler reads, and cross-entropy (or squared error).
        hidden_weight, attention_weight: method layerwise, of MSE on token states and
            on attention scores.
        relation_weight: method relation, of KL between relations of tokens.
        layers, norm, attention_form: the student's blocks, their norm, and what
            becomes of attention scores: `softmax` or `relu`.
        distinct_blocks: sets of kernels that the student's blocks share, neighbours one
            set; 0 for one set a block.
        embedding_form: the student's: a `table`, or `product`, codes and codebooks.
        embedding_share: the least width of the embedding, as a share of the hidden
            size; it grows, to half of that at most, while the texts' pieces have room.
        statistics_texts: texts from which basis and norms are measured.
    """

    held_out_share: float = 0.1
    held_out_most: int = 2000
    teacher_epochs: int = 3
    teacher_least_steps: int = 1500
    teacher_class_steps: int = 30
    teacher_learning_rate: float = 1e-4
    teacher_batch_size: int = 32
    teacher_dropout: float = 0.1
    teacher_average: float = 0.999
    keep_by: str = KEEP_BY[0]
    student_epochs: int = 4
    student_least_steps: int = 24000
    epoch_texts: int = 0
    student_learning_rate: float = 3e-4
    student_batch_size: int = 32
    student_dropout: float = 0.1
    task_layers: str = TASK_LAYERS[0]
    refinement_epochs: int = 1
    refinement_teacher_learning_rate: float = 1e-5
    refinement_student_learning_rate: float = 1e-4
    refinement_student_weight: float = 0.5
    refinement_teacher_reads: str = TEACHER_READS[0]
    candidates: int = 4
    candidate_steps: int = 500
    removal_scores: str = REMOVAL_SCORES[0]
    removal_steps: int = 10
    pruning_epochs: int = 1
    quantization: str = QUANTIZATIONS[0]
    quantization_epochs: int = 1
    quantization_least_steps: int = 3000
    quantization_learning_rate: float = 1e-4
    quantization_ranges: str = RANGES[0]
    quantization_percentile: float = 99.99
    quantization_noise: float = 0.0
    weight_scales: str = WEIGHT_SCALES[0]
    palette_epochs: int = 1
    palette_least_steps: int = 3000
    warmup_share: float = 0.1
    augmented_copies: int = 2
    augmented_least_texts: int = 64000
    augmented_words: float = 0.3
    augmented_splices: float = 0.5
    augmented_joins: float = 0.0
    logits_weight: float = 1.0
    features_weight: float = 1.0
    task_weight: float = 0.2
    hidden_weight: float = 1.0
    attention_weight: float = 0.1
    relation_weight: float = 1.0
    layers: int = 3
    norm: str = "rms"
    attention_form: str = ATTENTION_FORMS[0]
    distinct_blocks: int = 0
    embedding_form: str = EMBEDDING_FORMS[0]
    embedding_share: float = 0.25
    statistics_texts: int = 2000

    def __post_init__(self):
        for name, accepted in _ONE_OF.items():
            if getattr(self, name) not in accepted:
                raise InputError(
                    f"--recipe: {name} is {getattr(self, name)!r}; accepted: "
                    f"{', '.join(accepted)}"
                )
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            least = 0 if field.name in _MAY_BE_ZERO else 1
            if field.type is int and value < least:
                raise InputError(f"--recipe: {field.name} is {value}; at least {least}")
            if field.type is float and value < 0:
                raise InputError(f"--recipe: {field.name} is {value}; at least 0")
            # Not math.isfinite, which a whole number beyond every float overflows.
            if field.type is float and not value <= sys.float_info.max:
                raise InputError(f"--recipe: {field.name} is {value}; not finite")
            if field.name in _BELOW_ONE and value >= 1:
                raise InputError(f"--recipe: {field.name} is {value}; below 1")
        if not 0 < self.embedding_share <= MOST_EMBEDDING_SHARE:
            raise InputError(
                f"--recipe: embedding_share is {self.embedding_share}; above 0 and at "
                f"most {MOST_EMBEDDING_SHARE}"
            )
        if not 50 < self.quantization_percentile <= 100:
            raise InputError(
                f"--recipe: quantization_percentile is {self.quantization_percentile}; "
                "above 50 and at most 100"
            )
        if (self.quantization, self.quantization_ranges) == ("ptq", "learned"):
            raise InputError(
                "quantization 'ptq' with quantization_ranges 'learned': ranges are "
                f"learned in training only; accepted: {', '.join(RANGES[:2])}"
            )
        if self.distinct_blocks > self.layers:
            raise InputError(
                f"--recipe: distinct_blocks is {self.distinct_blocks}; at most the "
                f"{self.layers} layers"
            )

    @classmethod
    def preset(cls, name: str, overrides: dict[str, Any] | None = None) -> "Recipe":
        """The preset's choices, single ones replaced.

        Raises:
            InputError: unknown preset or choice, or a value of the wrong type.
        """
        if name not in PRESETS:
            raise InputError(f"--preset={name}: accepted: {', '.join(PRESETS)}")
        choices = dict(_PRESETS[name])
        known = {name: type(value) for name, value in cls().to_json().items()}
        for key, value in (overrides or {}).items():
            if key not in known:
                raise InputError(
                    f"--recipe: unknown choice {key!r}; accepted: {', '.join(known)}"
                )
            accepted: tuple[type, ...] = (known[key],)
            if known[key] is float:
                accepted = (int, float)
            if isinstance(value, bool) or not isinstance(value, accepted):
                raise InputError(
                    f"--recipe: {key} is {value!r}, not of type {known[key].__name__}"
                )
            choices[key] = value
        return cls(**choices)

    @classmethod
    def read(cls, preset: str, path: AnyPath | None) -> "Recipe":
        """The preset with the overrides of a JSON file (an object of choices)."""
        if path is None:
            return cls.preset(preset)
        try:
            overrides = json.loads(pathlib.Path(path).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"--recipe={path}: {error}") from error
        if not isinstance(overrides, dict):
            raise InputError(f"--recipe={path}: not a JSON object of choices")
        return cls.preset(preset, overrides)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def choices(self, *names: str) -> dict[str, Any]:
        """The choices with these names, or whose names begin with `name_`."""
        return {
            key: value
            for key, value in self.to_json().items()
            if any(key == name or key.startswith(f"{name}_") for name in names)
        }


_PRESETS: dict[str, dict[str, Any]] = {
    "quick": {
        "teacher_epochs": 2,
        "teacher_least_steps": 0,
        "teacher_class_steps": 0,
        "student_least_steps": 0,
        "quantization_least_steps": 0,
        "palette_least_steps": 0,
        # In so few steps copies teach no more, and a larger rate is needed.
        "augmented_copies": 0,
        "augmented_least_texts": 0,
        "student_epochs": 20,
        "candidates": 1,
        # However many texts there are, quick stays quick.
        "epoch_texts": 1500,
        "student_learning_rate": 1e-3,
        "quantization": "qat",  # Few texts hold too few out to choose by.
        "quantization_epochs": 5,
        "palette_epochs": 5,
        "quantization_learning_rate": 2e-4,
        # A little better than 1: benchmarks/choices/bbc_news.
        "features_weight": 3.0,
        # Less has not been tried in so few steps.
        "embedding_share": 0.5,
        "statistics_texts": 500,
    },
    "standard": {},
    # The least numbers, which decide where texts are few, are standard's: twice as many
    # steps and copies taught HWU64's student no more (docs/method.md).
    "thorough": {
        "augmented_copies": 4,
        "student_epochs": 8,
        "quantization_epochs": 2,
        "palette_epochs": 2,
    },
}
