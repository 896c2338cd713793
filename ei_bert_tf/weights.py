"""Weights in files: safetensors, written by Python, equal bytes for equal weights.

HDF5, which Keras writes, crashes the process on a full disk instead of raising.
"""

import pathlib
from collections.abc import Sequence

import numpy as np
import safetensors.numpy

from ei_bert_tf.compat import tf
from ei_bert_tf.errors import writing


def save_weights(path: pathlib.Path, variables: Sequence) -> None:
    """Writes variables (TensorFlow's or Keras 3's) in their order.

    Raises:
        OSError: the file can't be written; names it.
    """
    arrays = {
        f"{number:04d}": np.asarray(_value(variable).numpy(), order="C")
        for number, variable in enumerate(variables)
    }
    with writing(path):
        path.write_bytes(safetensors.numpy.save(arrays))


def load_weights(path: pathlib.Path, variables: Sequence) -> None:
    """Assigns what save_weights wrote to as many variables of the same shapes.

    Raises:
        ValueError: the file holds another number of weights or other shapes.
    """
    arrays = safetensors.numpy.load(path.read_bytes())
    found = [arrays[name] for name in sorted(arrays)]
    shapes = [tuple(array.shape) for array in found]
    wanted = [tuple(variable.shape) for variable in variables]
    if shapes != wanted:
        raise ValueError(f"{path}: weights of shapes {shapes}; needed are {wanted}")
    for variable, array in zip(variables, found, strict=True):
        _value(variable).assign(array)


def _value(variable) -> tf.Variable:
    """TensorFlow's variable, which Keras 3 keeps inside its own."""
    return variable if isinstance(variable, tf.Variable) else variable.value
