"""ei_bert_tf: a BERT compressed to a full-int8 model for a microcontroller."""

from typing import TYPE_CHECKING, Any

from ei_bert_tf.version import __version__

if TYPE_CHECKING:
    from ei_bert_tf.bundle import Bundle
    from ei_bert_tf.composition import compress, run_stages
    from ei_bert_tf.job import Job
    from ei_bert_tf.recipe import Recipe, StudentConfig

__all__ = [
    "Bundle",
    "Job",
    "Recipe",
    "StudentConfig",
    "__version__",
    "compress",
    "run_stages",
]

_HOMES = {
    "Bundle": "ei_bert_tf.bundle",
    "Job": "ei_bert_tf.job",
    "Recipe": "ei_bert_tf.recipe",
    "StudentConfig": "ei_bert_tf.recipe",
    "compress": "ei_bert_tf.composition",
    "run_stages": "ei_bert_tf.composition",
}


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used: TensorFlow takes seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ei_bert_tf' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
