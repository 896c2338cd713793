"""Converts a quantization-aware student to a full-int8 .tflite.

T tokens, C outputs.
"""

import logging
import tempfile

from ei_bert_tf.compat import tf
from ei_bert_tf.conversion.conformance import check_conformance
from ei_bert_tf.conversion.device_graph import device_graph
from ei_bert_tf.recipe import StudentConfig


def convert(quantized: tf.keras.Model, config: StudentConfig) -> bytes:
    """The .tflite of a quantized student of fixed length, batch 1.

    Args:
        quantized: made by quantize_student from a folded student with fixed_tokens.

    Raises:
        ConformanceError: the converter left something that must not ship.
    """
    names = ["ids", "mask"] + (["segment_ids"] if config.pair else [])
    signature = [
        tf.TensorSpec((1, config.max_tokens), tf.int32, name=name) for name in names
    ]

    @tf.function(input_signature=signature, autograph=False)
    def serve(*inputs):
        return {"logits": quantized(list(inputs), training=False)["logits"]}

    module = tf.Module()
    # The variables alone: saving the Keras layers as well takes half a minute.
    module.weights = quantized.weights
    module.serve = serve
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"serving_default": serve})
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=["serving_default"]
        )
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        # Of a kernel with several readers the converter forgets the trained scale. The
        # one that it finds anew for the whole kernel is the same.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = (
            not config.has_channel_scales
        )
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
        logging.getLogger("absl").setLevel(logging.ERROR)
        model = device_graph(converter.convert())
    check_conformance(
        model, tokens=config.max_tokens, outputs=config.outputs, pair=config.pair
    )
    return model
