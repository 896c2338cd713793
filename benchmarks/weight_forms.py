"""Which form of 4-bit weights loses least, on held-out train.

usage: python -m benchmarks.weight_forms --output_dir=FOLDER --name=NAME [flags of
           tools.compress]
FOLDER is of a finished run with the same flags. Its int8 student is trained again for
as long as the stage `palette`, once with each form; all start from the same weights and
see the same batches. Writes benchmarks/weight_forms/NAME.json with the accuracy on
held-out train, and the divergence of the student's classes from the teacher's there.
"""

import json
import pathlib
import tempfile
from typing import Any

import numpy as np
from absl import app, flags

from ei_bert_tf.compat import tf, tfmot
from ei_bert_tf.composition import environment
from ei_bert_tf.compression import quantizers
from ei_bert_tf.compression.palette import cluster_student
from ei_bert_tf.compression.quantizers import HALF_BYTE, INT8, PALETTE
from ei_bert_tf.distillation.trainer import predictor
from ei_bert_tf.evaluation.calibration import probabilities
from ei_bert_tf.job import Job
from ei_bert_tf.metrics import metric_value
from ei_bert_tf.pipeline import Pipeline
from ei_bert_tf.preparation import Preparation
from ei_bert_tf.stages import FLOAT_STUDENT
from ei_bert_tf.student.encoder import build_student
from ei_bert_tf.student.layers import OWN_LAYERS
from ei_bert_tf.teacher.finetune import teacher_outputs
from ei_bert_tf.weights import load_weights
from tools import _job

_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "A run's folder.", required=True)
_NAME = flags.DEFINE_string("name", None, "Name of the record.", required=True)
_RECORDS = pathlib.Path(__file__).parent / "weight_forms"
_KERNELS = ("Dense", "JoinedDense")
_WHOLE = "classifier"
# Of FULLY_CONNECTED's weights, and of the embedding's table.
_FORMS = (
    (INT8, INT8),
    (PALETTE, INT8),
    (HALF_BYTE, INT8),
    (INT8, HALF_BYTE),
    (PALETTE, HALF_BYTE),
    (HALF_BYTE, HALF_BYTE),
)
# Epochs of TFMOT's clustering, out of those that the others have under quantization.
_CLUSTERING_EPOCHS = 2


class Trial:
    """A run that goes on from its int8 student."""

    def __init__(self, pipeline: Pipeline):
        self.pipeline = pipeline
        prepared = pipeline.prepared
        self.held_out, self.targets = pipeline.curriculum.held_out()
        theirs = prepared.encode(pipeline.teacher.tokenizer, prepared.held_out)
        logits = teacher_outputs(pipeline.teacher, theirs).logits
        self.teacher = probabilities(logits, 1.0)

    def start(self) -> tf.keras.Model:
        """The float weights of the int8 student."""
        student = build_student(self.pipeline.config, folded=True)
        folder = self.pipeline.store.folder / "quantization"
        load_weights(folder / FLOAT_STUDENT, student.weights)
        return student

    def train(self, student: tf.keras.Model, epochs: int, quantized: bool) -> None:
        """With the batches and the rate of the stage `palette`."""
        with tempfile.TemporaryDirectory() as folder:
            self.pipeline._train_folded(
                student,
                "palette",
                epochs,
                0,
                pathlib.Path(folder),
                warm_ranges=quantized,
            )

    def measured(self, student: tf.keras.Model) -> dict[str, float]:
        """On held-out train."""
        logits = predictor(student, self.pipeline.config)(self.held_out)
        mine = np.log(probabilities(logits, 1.0) + 1e-12)
        divergence = self.teacher * (np.log(self.teacher + 1e-12) - mine)
        return {
            "held_out": metric_value(self.pipeline.task.metric, logits, self.targets),
            "divergence": round(float(divergence.sum(axis=1).mean()), 5),
        }


def with_forms(student: tf.keras.Model, kernels: str, table: str) -> tf.keras.Model:
    """The quantized student with these forms of its weights."""
    forms = {"embedding": table}
    for layer in student.layers:
        if type(layer).__name__ in _KERNELS and layer.name != _WHOLE:
            forms[layer.name] = kernels
    return cluster_student(student, forms)


def clustered_by_tfmot(trial: Trial) -> tf.keras.Model:
    """The float student after TFMOT's cluster_weights and a training with it."""
    clustering = tfmot.clustering.keras
    start = trial.start()

    def wrapped(layer):
        copy = type(layer).from_config(layer.get_config())
        if type(layer).__name__ not in _KERNELS or layer.name == _WHOLE:
            return copy
        # TFMOT knows no subclass of Dense; JoinedDense differs in the export alone.
        dense = tf.keras.layers.Dense.from_config(layer.get_config())
        dense.build(layer.input_shape)
        dense.set_weights(layer.get_weights())
        return clustering.cluster_weights(
            dense,
            number_of_clusters=quantizers.PALETTE_VALUES,
            cluster_centroids_init=clustering.CentroidInitialization.KMEANS_PLUS_PLUS,
        )

    with tf.keras.utils.custom_object_scope(OWN_LAYERS):
        clustered = tf.keras.models.clone_model(start, clone_function=wrapped)
    for layer in clustered.layers:
        if layer.weights and not hasattr(layer, "layer"):
            layer.set_weights(start.get_layer(layer.name).get_weights())
    trial.train(clustered, _CLUSTERING_EPOCHS, quantized=False)
    stripped = clustering.strip_clustering(clustered)
    final = build_student(trial.pipeline.config, folded=True)
    for layer in final.layers:
        if layer.weights:
            layer.set_weights(stripped.get_layer(layer.name).get_weights())
    return final


def preserving() -> Any:
    """TFMOT's quantizer that keeps clusters."""
    from tensorflow_model_optimization.python.core.quantization.keras.collab_opts.cluster_preserve import (  # noqa: E501
        cluster_preserve_quantize_registry as registry,
    )

    return registry.ClusterPreserveDefaultWeightsQuantizer(
        num_bits=8,
        per_axis=False,
        symmetric=True,
        narrow_range=True,
        preserve_sparsity=False,
    )


def main(_: list[str]) -> None:
    job = Job(**_job.choices())
    pipeline = Pipeline(Preparation(job), pathlib.Path(_OUTPUT_DIR.value), resume=True)
    pipeline.run()
    trial = Trial(pipeline)
    epochs = pipeline.recipe.palette_epochs
    found = [{"form": "before", **trial.measured(trial.start())}]
    for kernels, table in _FORMS:
        student = with_forms(trial.start(), kernels, table)
        trial.train(student, epochs, quantized=True)
        found.append({"form": f"{kernels}, {table}", **trial.measured(student)})
        print(found[-1], flush=True)
    clustered = clustered_by_tfmot(trial)
    found.append({"form": "tfmot clusters, float", **trial.measured(clustered)})
    print(found[-1], flush=True)
    quantizers.WEIGHT_FORMS["preserving"] = preserving
    for form in ("preserving", PALETTE):
        student = with_forms(clustered, form, INT8)
        trial.train(student, epochs - _CLUSTERING_EPOCHS, quantized=True)
        name = f"tfmot clusters, then {form}, {INT8}"
        found.append({"form": name, **trial.measured(student)})
        print(found[-1], flush=True)
    record = {
        "command": job.command(),
        "rows": len(trial.targets),
        "epochs": epochs,
        "environment": environment(),
        "forms": found,
    }
    _RECORDS.mkdir(exist_ok=True)
    text = json.dumps(record, indent=1) + "\n"
    (_RECORDS / f"{_NAME.value}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    app.run(main)
