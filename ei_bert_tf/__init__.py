"""ei_bert_tf: a BERT compressed to a full-int8 model for a microcontroller."""

from typing import TYPE_CHECKING, Any

from ei_bert_tf.version import __version__

if TYPE_CHECKING:
    from ei_bert_tf.bundle import Bundle
    from ei_bert_tf.composition import compress
    from ei_bert_tf.recipe import Recipe, StudentConfig

__all__ = ["Bundle", "Recipe", "StudentConfig", "__version__", "compress"]

_HOMES = {
    "Bundle": "ei_bert_tf.bundle",
    "Recipe": "ei_bert_tf.recipe",
    "StudentConfig": "ei_bert_tf.recipe",
    "compress": "ei_bert_tf.composition",
}


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used: TensorFlow takes seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ei_bert_tf' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
