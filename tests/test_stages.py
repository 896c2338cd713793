"""Which stages run, and what becomes of what a killed one left."""

import pytest

from ei_bert_tf.errors import InputError
from ei_bert_tf.stages import Stages


class Killed(Exception):
    pass


def run(folder, inputs, resume=True, kill=False):
    """One stage that appends to a file; what it left, or None if it did not run."""
    ran = []

    def work(working):
        with (working / "text").open("a") as file:
            file.write("x")
        ran.append(True)
        if kill:
            raise Killed
        return {"value": len((working / "text").read_text())}

    stages = Stages(folder, resume)
    stages.depend_on(inputs)
    done, left = stages.run("only", work)
    assert (left / "text").is_file()
    return done if ran else None


def test_a_finished_stage_runs_again_only_for_other_inputs(tmp_path):
    assert run(tmp_path, [1])["value"] == 1
    assert run(tmp_path, [1]) is None
    assert run(tmp_path, [2])["value"] == 1
    assert run(tmp_path, [2], resume=False)["value"] == 1


def test_a_killed_stage_goes_on_in_its_folder(tmp_path):
    with pytest.raises(Killed):
        run(tmp_path, [1], kill=True)
    assert not (tmp_path / "only").exists()
    done = run(tmp_path, [1])
    assert (done["value"], done["resumed"]) == (2, True)


def test_what_a_killed_stage_of_other_inputs_left_is_not_used(tmp_path):
    with pytest.raises(Killed):
        run(tmp_path, [1], kill=True)
    done = run(tmp_path, [2])
    assert (done["value"], done["resumed"]) == (1, False)


def test_a_later_stage_depends_on_earlier_inputs(tmp_path):
    def fingerprint(*inputs):
        stages = Stages(tmp_path / "none", True)
        for part in inputs:
            stages.depend_on(part)
        return stages.run("x", lambda _: {})[0]["fingerprint"]

    assert fingerprint("a", "b") != fingerprint("c", "b")
    assert fingerprint("a", "b") == fingerprint("a", "b")


def test_a_record_that_was_cut_off_does_not_count(tmp_path):
    run(tmp_path, [1])
    record = tmp_path / "only" / "done.json"
    record.write_text(record.read_text()[:10])
    assert run(tmp_path, [1])["value"] == 1


def test_a_stage_that_was_done_alone_is_shared_later(tmp_path):
    run(tmp_path / "alone", [1])
    stages = Stages(tmp_path / "alone", True, tmp_path / "shared")
    stages.depend_on([1])
    stages.run("only", lambda _: pytest.fail("it was done"))
    other = Stages(tmp_path / "other", True, tmp_path / "shared")
    other.depend_on([1])
    _, left = other.run("only", lambda _: pytest.fail("it was shared"))
    assert (left / "text").read_text() == "x"


def test_an_expected_stage_is_refused_until_it_is_done(tmp_path):
    stages = Stages(tmp_path, True)
    stages.expect(["first"])
    with pytest.raises(InputError, match="stage 'first' comes first"):
        stages.run("first", lambda _: {})
    assert not stages.seconds
    Stages(tmp_path, True).run("first", lambda _: {})
    stages.run("first", lambda _: {"again": True})
    assert list(stages.seconds) == ["first"]
    stages.forget("first")
    with pytest.raises(InputError, match="stage 'first' comes first"):
        stages.run("first", lambda _: {})


def test_runs_share_the_stages_that_they_have_in_common(tmp_path):
    shared = tmp_path / "shared"
    ran = []

    def run_in(folder, inputs):
        stages = Stages(tmp_path / folder, True, shared)
        stages.depend_on(inputs)

        def work(working):
            ran.append(folder)
            (working / "text").write_text(str(inputs))
            return {}

        done, left = stages.run("only", work)
        return done["fingerprint"], (left / "text").read_text()

    first = run_in("a", [1])
    assert run_in("b", [1]) == first
    other = run_in("b", [2])
    assert other[1] == "[2]" and other[0] != first[0]
    assert run_in("a", [1]) == first
    # A run may lose its own folder, and the shared one half a stage to a kill.
    (shared / f".only-{first[0]}.tmp").mkdir()
    assert run_in("c", [1]) == first
    assert ran == ["a", "b"]
    assert len([path for path in shared.iterdir() if path.name[0] != "."]) == 2
