"""What choices are made by: a float student on held-out train."""

import numpy as np

from ei_bert_tf.distillation.trainer import predictor
from ei_bert_tf.float_pipeline import FLOAT_STAGES
from ei_bert_tf.pipeline import Pipeline
from ei_bert_tf.teacher.finetune import teacher_outputs


def measured(pipeline: Pipeline) -> dict:
    """The float student's metric on held-out train, the segmentation of it, and the
    correlation of its logits there, centred, with the teacher's: a held-out part of
    some hundred texts is too small for the metric to tell close choices apart."""
    prepared = pipeline.prepared
    pipeline.run(FLOAT_STAGES)
    encoded, _ = pipeline.curriculum.held_out()
    taught = prepared.encode(prepared.teacher.tokenizer, prepared.held_out)
    logits = [
        predictor(pipeline.student, prepared.config)(encoded),
        teacher_outputs(prepared.teacher, taught).logits,
    ]
    if not prepared.task.is_regression:
        logits = [rows - rows.mean(axis=1, keepdims=True) for rows in logits]
    correlation = float(np.corrcoef(logits[0].ravel(), logits[1].ravel())[0, 1])
    return {
        "metric": prepared.task.metric,
        "held_out": pipeline.stages[-1]["held_out"],
        "teacher_held_out": pipeline.stages[0]["held_out"],
        "held_out_examples": len(encoded),
        "student": prepared.config.to_json(),
        "correlation": correlation,
        **pipeline.tokenizer.segmentation(encoded),
    }
