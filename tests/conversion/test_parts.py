"""The bytes of a file by part add up to the file."""

import pytest

from ei_bert_tf.conversion.parts import layer_name, part_bytes
from tests.tiny_models import tiny_tflite


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [
        ("student/quant_block_0_query/Tensordot;student/x", "block_0_query"),
        ("student/quant_pooler/BiasAdd", "pooler"),
        ("serving_default_ids:0", None),
        ("arith.constant", None),
    ],
)
def test_the_layer_is_read_from_the_name(tensor, layer):
    assert layer_name(tensor) == layer


def test_a_file_without_layers_of_a_student_is_all_graph():
    model = tiny_tflite()
    found = part_bytes(model)
    assert found["graph"] == len(model)
    assert sum(found.values()) == len(model)
