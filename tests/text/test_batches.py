import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from ei_bert_tf.text.batches import BUCKET_TOKENS, batches, epoch_rows
from ei_bert_tf.text.wordpiece import Encoded

MOST_TOKENS = 18


def encoded_of(lengths) -> Encoded:
    """Rows of distinct ids with no 0 before their end, [N, MOST_TOKENS]."""
    lengths = np.array(lengths, np.int32)
    positions = np.arange(MOST_TOKENS)
    inside = positions < lengths[:, None]
    ids = 1 + positions + 100 * np.arange(len(lengths))[:, None]
    segment_ids = inside & (positions >= lengths[:, None] // 2)
    return Encoded(
        np.where(inside, ids, 0).astype(np.int32),
        lengths,
        segment_ids.astype(np.int32),
    )


def read(dataset) -> list[dict[str, np.ndarray]]:
    return list(dataset.as_numpy_iterator())


def rows_in_order(dataset) -> list[int]:
    return [int(row) for batch in read(dataset) for row in batch["rows"]]


@pytest.fixture
def encoded():
    return encoded_of(np.random.default_rng(3).integers(2, MOST_TOKENS + 1, 101))


@hypothesis.settings(max_examples=25)
@hypothesis.given(
    lengths=st.lists(st.integers(2, MOST_TOKENS), min_size=1, max_size=40),
    batch_size=st.integers(1, 9),
    seed=st.none() | st.integers(0, 2**32 - 1),
)
def test_each_row_once_and_no_token_cut(lengths, batch_size, seed):
    encoded = encoded_of(lengths)
    dataset = batches(encoded, {}, batch_size, seed)
    found = read(dataset)
    assert len(found) == int(dataset.cardinality()) == -(-len(lengths) // batch_size)
    seen = np.concatenate([batch["rows"] for batch in found])
    assert sorted(seen) == list(range(len(lengths)))
    for batch in found:
        rows, tokens = batch["rows"], batch["ids"].shape[1]
        assert encoded.lengths[rows].max() <= tokens
        assert tokens == MOST_TOKENS or tokens % BUCKET_TOKENS == 0
        assert tokens - encoded.lengths[rows].max() < BUCKET_TOKENS
        for name in ("ids", "mask", "segment_ids"):
            assert batch[name].dtype == np.int32
            np.testing.assert_array_equal(
                batch[name], getattr(encoded, name)[rows, :tokens]
            )


def test_all_batches_but_one_are_full(encoded):
    sizes = sorted(len(batch["rows"]) for batch in read(batches(encoded, {}, 8, 5)))
    assert sizes == [5] + [8] * 12


def test_the_same_seed_gives_the_same_order(encoded):
    first, again = (rows_in_order(batches(encoded, {}, 8, 5)) for _ in range(2))
    assert first == again


def test_another_epochs_seed_gives_another_order(encoded):
    first, second = (rows_in_order(batches(encoded, {}, 8, seed)) for seed in (5, 6))
    assert first != second
    assert sorted(first) == sorted(second)


def test_reading_twice_gives_the_same_order(encoded):
    dataset = batches(encoded, {}, 8, 5)
    assert rows_in_order(dataset) == rows_in_order(dataset)


def test_without_seed_equal_lengths_keep_their_order():
    assert rows_in_order(batches(encoded_of([3] * 10), {}, 4)) == list(range(10))


def test_extras_travel_with_their_rows(encoded):
    targets = np.arange(len(encoded), dtype=np.float32)
    logits = np.stack([targets, -targets], axis=1)
    for batch in read(batches(encoded, {"targets": targets, "logits": logits}, 8, 1)):
        np.testing.assert_array_equal(batch["targets"], targets[batch["rows"]])
        np.testing.assert_array_equal(batch["logits"], logits[batch["rows"]])


def test_chosen_rows_only(encoded):
    chosen = np.array([5, 3, 8])
    found = [batch["rows"].numpy() for batch in batches(encoded, {}, 2, 0, chosen)]
    assert sorted(np.concatenate(found).tolist()) == [3, 5, 8]
    [batch] = batches(encoded, {}, 4, None, np.array([5]))
    length = encoded.lengths[5]
    np.testing.assert_array_equal(batch["ids"][0, :length], encoded.ids[5, :length])


@pytest.mark.parametrize("most", [0, 7, 8])
def test_an_epoch_of_all_rows(most):
    np.testing.assert_array_equal(epoch_rows(7, most, 0, 3), np.arange(7))


def test_short_epochs_share_the_rows_out():
    epochs = [epoch_rows(7, 3, 0, epoch) for epoch in range(7)]
    assert all(len(rows) == 3 for rows in epochs)
    turns = np.concatenate(epochs).reshape(3, 7)
    np.testing.assert_array_equal(np.sort(turns), np.tile(np.arange(7), (3, 1)))
    assert np.any(turns[0] != turns[1])
    assert not np.array_equal(epoch_rows(7, 3, 1, 0), epochs[0])


def test_nothing_waits_for_a_tuner_at_the_end(encoded):
    # None is the default, which lets the tuner run.
    assert batches(encoded, {}, 4).options().autotune.enabled is False
