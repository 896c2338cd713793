"""The teacher: a BERT backbone of keras-nlp with a task head, and where it comes from.

B batch, T tokens, H hidden size, C classes (1 for regression).
"""

import dataclasses
import functools
import hashlib
import json
import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

from ei_bert_tf.compat import keras, keras_nlp, tf
from ei_bert_tf.errors import InputError
from ei_bert_tf.teacher import distilbert
from ei_bert_tf.teacher.forward import Dropout, forward
from ei_bert_tf.text.batches import TEXT_SIGNATURE
from ei_bert_tf.text.builtin import builtin_model_folder
from ei_bert_tf.text.wordpiece import WordPiece

BUILTIN_TEACHERS = {"builtin:minilm-l6": "minilm-l6"}
_MODEL_TYPES = ("bert", distilbert.MODEL_TYPE)


@dataclasses.dataclass
class Teacher:
    """A BERT with its task layers and its tokenizer.

    Attributes:
        name: what `--teacher` said.
        backbone: keras-nlp BertBackbone (Keras 3).
        classifier: Keras 3 Dense [H, C] on the pooled output.
        tokenizer: the backbone's full vocabulary.
        model: Keras 3 functional model of all of it, which holds and saves the
            weights: `token_ids`, `segment_ids`, `padding_mask` int32 [B, T] to logits
            [B, C]. Calling the teacher computes the same, faster.
    """

    name: str
    backbone: keras_nlp.models.BertBackbone
    classifier: keras.layers.Dense
    tokenizer: WordPiece
    model: keras.Model

    def __call__(
        self,
        batch: dict[str, tf.Tensor],
        dropout: Dropout | None = None,
        table: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """`logits` float32 [B, C] and `features` float32 [B, H] of a batch.

        Features are the last [CLS] state, which the pooler reads. `table` is read
        instead of the embedding table.
        """
        states = forward(
            self.backbone,
            batch["ids"],
            batch["mask"],
            batch["segment_ids"],
            dropout,
            task_only=True,
            table=table,
        )
        pooled = states.pooled if dropout is None else dropout(states.pooled)
        kernel, bias = self.classifier.kernel.value, self.classifier.bias.value
        return {
            "logits": tf.matmul(pooled, kernel) + bias,
            "features": states.features,
        }

    @functools.cached_property
    def infer(self) -> Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]]:
        """The same without dropout, compiled once for all batches."""
        return tf.function(
            lambda batch: self(batch), input_signature=[TEXT_SIGNATURE], autograph=False
        )

    @property
    def parameters(self) -> int:
        """Number of weights, task layers included."""
        return self.model.count_params()


def load_teacher(name: str, outputs: int, seed: int) -> Teacher:
    """Loads the BERT that `--teacher` names and gives it a fresh classifier.

    Args:
        name: `builtin:minilm-l6`, a folder (Hugging Face BERT or DistilBERT, or saved
            keras-nlp preset) or the name of a keras-nlp preset.
        outputs: C, classes or 1 for regression.
        seed: of the classifier's initial weights, and of the pooler's where the model
            has none.

    Raises:
        InputError: not an uncased BERT, or nothing of that name.
    """
    check_teacher_name(name)
    source = name
    if name in BUILTIN_TEACHERS:
        source = str(builtin_model_folder(BUILTIN_TEACHERS[name]))
    try:
        backbone = _backbone(source, seed)
        pieces = _vocabulary(source)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "?"
        raise InputError(
            f"--teacher={name}: neither a Hugging Face BERT folder nor a keras-nlp "
            f"BERT preset can be loaded from it ({reason})"
        ) from error
    # Tables may be padded, as many are for speed; pieces need rows.
    if len(pieces) > backbone.vocabulary_size:
        raise InputError(
            f"--teacher={name}: {len(pieces)} pieces in its vocabulary and "
            f"{backbone.vocabulary_size} rows in its embedding table"
        )
    classifier = keras.layers.Dense(
        outputs,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02, seed=seed),
        name="classifier",
    )
    logits = classifier(backbone(backbone.input)["pooled_output"])
    model = keras.Model(backbone.input, logits)
    return Teacher(name, backbone, classifier, WordPiece(pieces), model)


def _backbone(source: str, seed: int) -> keras_nlp.models.BertBackbone:
    config = pathlib.Path(source) / "config.json"
    if config.is_file() and _model_type(config) == distilbert.MODEL_TYPE:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary) / "bert"
            distilbert.write_as_bert(config.parent, folder, seed)
            return keras_nlp.models.BertBackbone.from_preset(str(folder))
    return keras_nlp.models.BertBackbone.from_preset(source)


def teacher_identity(name: str) -> str:
    """What stays the same while `--teacher` names the same weights: the name, of a
    folder a digest of its files."""
    folder = pathlib.Path(name)
    if not folder.is_dir():
        return name
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _model_type(config: pathlib.Path) -> str | None:
    return _settings(config).get("model_type")


def _settings(path: pathlib.Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"--teacher: {path}: no JSON ({error})") from error
    if not isinstance(found, dict):
        raise InputError(f"--teacher: {path}: no JSON object")
    return found


def check_teacher_name(name: str) -> None:
    """Refuses a teacher that cannot be one, without loading its weights.

    Raises:
        InputError: unknown built-in, or a folder that is no uncased BERT.
    """
    if name.startswith("builtin:") and name not in BUILTIN_TEACHERS:
        raise InputError(
            f"--teacher={name}: unknown; accepted: {', '.join(BUILTIN_TEACHERS)}, "
            "a Hugging Face BERT folder or a keras-nlp preset"
        )
    if pathlib.Path(name).is_dir():
        _check_folder(name)
    elif name.startswith((".", "/")):
        raise InputError(f"--teacher={name}: no such folder")


def _check_folder(name: str) -> None:
    """Refuses a folder whose configuration is not that of an uncased BERT."""
    folder = pathlib.Path(name)
    if not (folder / "config.json").is_file():
        raise InputError(
            f"--teacher={name}: has no config.json; accepted: a Hugging Face BERT "
            "folder (config.json, model.safetensors, vocab.txt) or a keras-nlp preset"
        )
    model_type = _model_type(folder / "config.json")
    if model_type not in (None, *_MODEL_TYPES):
        raise InputError(
            f"--teacher={name}: model_type {model_type!r}; accepted: "
            f"{', '.join(_MODEL_TYPES)}"
        )
    tokenizer_file = folder / "tokenizer_config.json"
    if model_type in _MODEL_TYPES:
        for needed in ("model.safetensors", "vocab.txt"):
            if not (folder / needed).is_file():
                raise InputError(f"--teacher={name}: has no {needed}")
        if tokenizer_file.is_file():
            settings = _settings(tokenizer_file)
            if settings.get("do_lower_case", True) is False:
                raise InputError(
                    f"--teacher={name}: is cased (do_lower_case is false in "
                    "tokenizer_config.json); only uncased BERTs are accepted"
                )


def _vocabulary(source: str) -> list[str]:
    """The pieces of a Hugging Face folder or keras-nlp preset, in id order."""
    vocabulary_file = pathlib.Path(source) / "vocab.txt"
    if vocabulary_file.is_file():
        return WordPiece.load(vocabulary_file).pieces
    tokenizer = keras_nlp.models.BertTokenizer.from_preset(source)
    if not tokenizer.lowercase:
        raise InputError("it is cased; only uncased BERTs are accepted")
    return list(tokenizer.get_vocabulary())
