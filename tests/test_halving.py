"""Successive halving: who is tried, for how long, who is left; and after a kill."""

import json

import pytest

from ei_bert_tf.halving import successive_halving, winner


def test_the_better_half_goes_on_with_twice_the_steps(tmp_path):
    quality = [0.3, 0.9, 0.5, 0.8, 0.1]
    # Candidate 1 learns nothing more, so that 3 passes it in the second round.
    trials = successive_halving(
        5,
        10,
        lambda number, steps: quality[number] * (1 if number == 1 else steps),
        tmp_path / "trials.json",
    )
    tried = [(trial.steps, trial.candidate) for trial in trials]
    assert tried == [*((10, number) for number in range(5)), (20, 3), (20, 2)]
    assert winner(trials) == 3


def test_of_equal_candidates_the_first_is_left(tmp_path):
    trials = successive_halving(3, 1, lambda *_: 0.5, tmp_path / "trials.json")
    assert winner(trials) == 0
    assert [trial.candidate for trial in trials] == [0, 1, 2]


def test_what_was_tried_before_a_kill_is_not_tried_again(tmp_path):
    record = tmp_path / "trials.json"
    asked = []

    def score(number, steps):
        if len(asked) == 3:
            raise KeyboardInterrupt
        asked.append((steps, number))
        return float(number)

    with pytest.raises(KeyboardInterrupt):
        successive_halving(4, 10, score, record)
    assert len(json.loads(record.read_text("utf-8"))) == 3
    asked.clear()
    trials = successive_halving(
        4, 10, lambda number, steps: asked.append((steps, number)) or number, record
    )
    assert asked == [(10, 3), (20, 3), (20, 2)]
    assert winner(trials) == 3
