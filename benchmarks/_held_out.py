"""What choices are made by: a teacher or a float student on held-out train."""

from ei_bert_tf.distillation.trainer import predictor
from ei_bert_tf.float_pipeline import FLOAT_STAGES
from ei_bert_tf.metrics import logits_correlation
from ei_bert_tf.pipeline import Pipeline
from ei_bert_tf.teacher.finetune import teacher_outputs


def measured_teacher(pipeline: Pipeline) -> dict:
    """The fine-tuned teacher's metric on held-out train."""
    pipeline.run(FLOAT_STAGES[:1])
    return {
        "metric": pipeline.prepared.task.metric,
        "held_out": pipeline.stages[0]["held_out"],
        "held_out_examples": len(pipeline.prepared.held_out),
    }


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
    return {
        "metric": prepared.task.metric,
        "held_out": pipeline.stages[-1]["held_out"],
        "teacher_held_out": pipeline.stages[0]["held_out"],
        "held_out_examples": len(encoded),
        "student": prepared.config.to_json(),
        "correlation": logits_correlation(*logits),
        **pipeline.tokenizer.segmentation(encoded),
    }
