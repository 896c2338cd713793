"""Pairs of methods are of one first stage, and their interval is Student's."""

import pytest
from scipy import stats

from benchmarks._pairs import find_pairs, mean_interval


def record(seed, value, distillation=10.0, **more):
    stages = {"teacher": 5.0, "distillation": distillation, **more}
    return {"seed": seed, "student_int8": value, "seconds": stages}


def test_a_pair_shares_its_stages_up_to_the_distillation():
    students = {
        ("a", -100, "kd"): [record(0, 0.5), record(1, 0.6), record(2, 0.7, 11.0)],
        ("a", -100, "kd-relu"): [record(0, 0.1, 9.0)],
        ("a", -100, "cross"): [
            record(0, 0.52, refinement=3.0),
            record(1, 0.61, refinement=3.0),
            record(2, 0.9, refinement=3.0),  # Its first stage was another.
        ],
        ("a", -100, "cross-still"): [record(1, 0.7)],
        ("a", -100, "relation"): [record(0, 0.9)],
        ("a", -90, "cross"): [record(0, 0.9)],
        ("b", -100, "kd"): [record(0, 0.9)],
    }
    moving, still = find_pairs(students)
    assert (moving.task, moving.limit, moving.kd) == ("a", 100, "kd")
    assert (moving.cross, moving.seeds) == ("cross", (0, 1))
    assert moving.differences == pytest.approx([2.0, 1.0])
    assert (still.cross, still.seeds) == ("cross-still", (1,))
    assert still.differences == pytest.approx([10.0])


def test_the_interval_is_of_a_paired_t_test():
    differences = [0.4, -0.2, 0.9, 0.1]
    low, high = stats.ttest_1samp(differences, 0.0).confidence_interval(0.95)
    assert mean_interval(differences) == f"+0.3, {low:+.1f} to {high:+.1f}"
    assert mean_interval([-1.25]) == "-1.2"
