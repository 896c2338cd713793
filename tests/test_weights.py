"""Weights in files."""

import subprocess
import sys

import numpy as np
import pytest

from ei_bert_tf.compat import keras, tf
from ei_bert_tf.weights import load_weights, save_weights


def test_both_keras_come_back_equal(tmp_path):
    for kind in (keras, tf.keras):
        layer = kind.layers.Dense(3)
        layer.build((None, 5))
        before = [np.array(weight) for weight in layer.get_weights()]
        save_weights(tmp_path / "w.safetensors", layer.weights)
        layer.set_weights([value + 1 for value in before])
        load_weights(tmp_path / "w.safetensors", layer.weights)
        for value, old in zip(layer.get_weights(), before, strict=True):
            np.testing.assert_array_equal(value, old)


def test_more_than_ten_weights_keep_their_order(tmp_path):
    variables = [tf.Variable(float(number)) for number in range(12)]
    save_weights(tmp_path / "w", variables)
    for variable in variables:
        variable.assign(-1.0)
    load_weights(tmp_path / "w", variables)
    assert [float(variable) for variable in variables] == list(range(12))


def test_other_shapes_are_refused(tmp_path):
    save_weights(tmp_path / "w", [tf.Variable(tf.zeros((2, 3)))])
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3, 2\)"):
        load_weights(tmp_path / "w", [tf.Variable(tf.zeros((3, 2)))])


def test_a_full_disk_names_the_file(tmp_path):
    # A limit on the size of files stands in for a disk without room.
    source = (
        "import pathlib, resource, sys\n"
        "from ei_bert_tf.compat import tf\n"
        "from ei_bert_tf.weights import save_weights\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "save_weights(pathlib.Path(sys.argv[1]), [tf.Variable(tf.zeros(1000))])\n"
    )
    path = tmp_path / "w.safetensors"
    done = subprocess.run(
        [sys.executable, "-c", source, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"OSError: [Errno 27] File too large: '{path}'" in done.stderr
