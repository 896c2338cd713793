"""Learning-rate schedule shared by teacher and student."""

from ei_bert_tf.compat import tf


def warmup_then_linear(
    peak: float, total_steps: int, warmup_share: float
) -> "WarmupLinear":
    """The schedule of BERT's fine-tuning (Devlin et al. 2019, appendix A.3)."""
    warmup_steps = max(1, round(total_steps * warmup_share))
    return WarmupLinear(peak, total_steps, warmup_steps)


class WarmupLinear(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Linear rise over `warmup_steps`, then linear fall to 0 at `total_steps`."""

    def __init__(self, peak: float, total_steps: int, warmup_steps: int):
        super().__init__()
        self.peak = peak
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        rise = (step + 1.0) / self.warmup_steps
        span = max(1, self.total_steps - self.warmup_steps)
        fall = (self.total_steps - step) / span
        return self.peak * tf.clip_by_value(tf.minimum(rise, fall), 0.0, 1.0)

    def get_config(self) -> dict:
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
        }
