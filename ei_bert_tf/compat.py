"""The only module that imports TensorFlow, tf_keras, Keras 3, keras-nlp and TFMOT.

TFMOT needs tf_keras (Keras 2) behind `tf.keras`, keras-nlp needs Keras 3 behind
`import keras`. Both live in one process if `TF_USE_LEGACY_KERAS` is set before
TensorFlow is imported; everything else in the package imports them from here.
"""

import os
import sys

_INSTALL = (
    'pip install "tensorflow>=2.21,<2.22" "tf-keras>=2.21,<2.22" '
    '"keras-nlp>=0.32,<0.33" "tensorflow-model-optimization>=0.8.1,<0.9"'
)

if "tensorflow" in sys.modules and os.environ.get("TF_USE_LEGACY_KERAS") != "1":
    raise ImportError(
        "ei_bert_tf: TensorFlow was imported before ei_bert_tf without "
        "TF_USE_LEGACY_KERAS=1: import ei_bert_tf first, or set the variable"
    )
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["KERAS_BACKEND"] = "tensorflow"
# TensorFlow's start-up lines about a GPU that is not there would hide our own; what it
# can't do it raises.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

try:
    import keras
    import keras_nlp
    import tensorflow as tf
    import tensorflow_model_optimization as tfmot
    import tf_keras

    # Not exported by TFMOT's public API, yet it is what quantize_apply defaults to.
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (  # noqa: E501
        default_8bit_quantize_scheme,
    )
except ImportError as error:
    raise ImportError(
        f"ei_bert_tf: {error}; install the tested set: {_INSTALL}"
    ) from error

if keras.backend.backend() != "tensorflow" or not keras.__version__.startswith("3."):
    raise ImportError(
        f"ei_bert_tf: Keras {keras.__version__} on {keras.backend.backend()}; "
        f"Keras 3 on TensorFlow is needed: {_INSTALL}"
    )
if tf.keras.Model is not tf_keras.Model:
    raise ImportError(
        f"ei_bert_tf: tf.keras is not tf_keras {tf_keras.__version__}, which is "
        f"needed: {_INSTALL}"
    )

Default8BitQuantizeScheme = default_8bit_quantize_scheme.Default8BitQuantizeScheme

__all__ = ["Default8BitQuantizeScheme", "keras", "keras_nlp", "tf", "tf_keras", "tfmot"]
