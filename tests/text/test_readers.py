import csv
import json
import pathlib

import hypothesis
import hypothesis.strategies as st
import pytest

from ei_bert_tf.errors import InputError
from ei_bert_tf.text.readers import read_table

FIELD = st.text(st.characters(codec="utf-8"), max_size=20)


@pytest.fixture
def write(tmp_path):
    def write_file(name: str, content: str | bytes) -> pathlib.Path:
        path = tmp_path / name
        path.write_bytes(
            content if isinstance(content, bytes) else content.encode("utf-8")
        )
        return path

    return write_file


def refusal(path, columns=("a", "b"), header=True) -> str:
    with pytest.raises(InputError) as caught:
        read_table(path, columns, header)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_tsv_columns_come_in_the_order_asked_for(write):
    table = read_table(write("t.tsv", "a\tb\tc\n1\t2\t3\n4\t5\t6\n"), ["c", "a"], True)
    assert table.rows == [("3", "1"), ("6", "4")]
    assert table.lines == [2, 3]
    assert len(table) == 2


def test_tsv_quotes_are_text(write):
    path = write("t.tsv", 'a\tb\n"open\t"x" y\n')
    assert read_table(path, ["a", "b"], True).rows == [('"open', '"x" y')]


def test_tsv_lines_end_at_newline_only(write):
    path = write("t.tsv", "a\tb\r\none\u2028two\x0b\rthree\t2\r\r\n")
    rows = read_table(path, ["a", "b"], True).rows
    assert rows == [("one\u2028two\x0b\rthree", "2\r")]


@pytest.mark.parametrize("suffix", ["tsv", "csv"])
def test_byte_order_mark_is_dropped_and_bad_bytes_replaced(write, suffix):
    tab = b"\t" if suffix == "tsv" else b","
    content = b"\xef\xbb\xbfa" + tab + b"b\nx\xffy" + tab + b"2\n"
    assert read_table(write(f"t.{suffix}", content), ["a"], True).rows == [("x�y",)]


def test_suffix_is_read_without_case(write):
    assert read_table(write("T.TSV", "a\n1\n"), ["a"], True).rows == [("1",)]


def test_csv_fields_hold_commas_quotes_and_newlines(write):
    path = write("t.csv", 'a,b\r\n"x, ""y""\nz",2\r\nlast,3\r\n\r\n')
    table = read_table(path, ["a", "b"], True)
    assert table.rows == [('x, "y"\nz', "2"), ("last", "3")]
    assert table.lines == [2, 4]


def test_csv_field_longer_than_the_modules_limit(write):
    limit = csv.field_size_limit()
    text = "x" * (limit + 1)
    assert read_table(write("t.csv", f"a\n{text}\n"), ["a"], True).rows == [(text,)]
    assert csv.field_size_limit() == limit


def test_jsonl_numbers_stay_as_written(write):
    path = write("t.jsonl", '{"a": 1.0, "b": 1}\r\n{"b": "x", "a": 1e2, "c": null}\n\n')
    table = read_table(path, ["a", "b"], True)
    assert table.rows == [("1.0", "1"), ("1e2", "x")]
    assert table.lines == [1, 2]


def test_jsonl_lone_surrogate_is_replaced(write):
    path = write("t.jsonl", '{"a": "x\\ud800y \\ud83d\\ude00"}\n')
    assert read_table(path, ["a"], True).rows == [("x\ufffdy \U0001f600",)]


def test_without_header_rows_may_have_more_fields(write):
    table = read_table(write("t.tsv", "1\t2\n3\t4\t5\n"), ["1"], False)
    assert table.rows == [("2",), ("4",)]
    assert table.lines == [1, 2]


def test_blank_lines_at_the_end_are_ignored(write):
    assert len(read_table(write("t.tsv", "a\tb\n1\t2\n\n\r\n\n"), ["a"], True)) == 1


@pytest.mark.parametrize("suffix", ["tsv", "csv"])
def test_blank_line_of_a_one_column_file_is_an_empty_text(write, suffix):
    table = read_table(write(f"t.{suffix}", "a\nx\n\ny\n"), ["a"], True)
    assert table.rows == [("x",), ("",), ("y",)]


@hypothesis.given(rows=st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=5))
def test_csv_and_jsonl_give_back_what_was_written(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("rows")
    with open(folder / "t.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    lines = [json.dumps({"a": a, "b": b}) + "\n" for a, b in rows]
    (folder / "t.jsonl").write_text("".join(lines), encoding="utf-8")
    assert read_table(folder / "t.csv", ["a", "b"], True).rows == rows
    assert read_table(folder / "t.jsonl", ["a", "b"], True).rows == rows


@hypothesis.given(content=st.binary(max_size=200))
@pytest.mark.parametrize("suffix", ["tsv", "csv", "jsonl"])
def test_any_bytes_give_rows_or_one_line(tmp_path_factory, suffix, content):
    path = tmp_path_factory.mktemp("bytes") / f"t.{suffix}"
    path.write_bytes(content)
    columns, header = (["a"], True) if suffix == "jsonl" else (["0"], False)
    try:
        table = read_table(path, columns, header)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert len(table.rows) == len(table.lines) > 0


def test_missing_file_is_refused(tmp_path):
    assert "no such file" in refusal(tmp_path / "t.tsv")


def test_folder_is_refused(tmp_path):
    (tmp_path / "t.tsv").mkdir()
    assert "folder" in refusal(tmp_path / "t.tsv")


def test_path_below_a_file_is_refused(write):
    assert "can't be read" in refusal(write("file", "x") / "t.tsv")


@pytest.mark.parametrize("name", ["t.txt", "t"])
def test_other_suffix_is_refused(write, name):
    assert ".tsv, .csv, .jsonl" in refusal(write(name, "a\n1\n"))


@pytest.mark.parametrize("name", ["t.tsv", "t.csv", "t.jsonl"])
def test_empty_file_is_named_as_such(write, name):
    assert "no rows" in refusal(write(name, "\n"))


def test_header_alone_is_no_row(write):
    assert "no rows" in refusal(write("t.tsv", "a\tb\n"))


def test_missing_column_lists_the_columns(write):
    message = refusal(write("t.tsv", "a\tc\n1\t2\n"))
    assert "no column 'b'" in message
    assert "'a', 'c'" in message


def test_repeated_header_name_is_refused(write):
    assert "'c' stands twice" in refusal(write("t.csv", "a,b,c,c\n1,2,3,4\n"))


@pytest.mark.parametrize("row", ["1", "1\t2\t3"])
def test_wrong_field_count_is_refused(write, row):
    path = write("t.tsv", f"a\tb\n1\t2\n{row}\n1\t2\n")
    message = refusal(path)
    assert f"{path}:3:" in message
    assert "the header's 2" in message


def test_wrong_csv_field_count_names_the_rows_first_line(write):
    path = write("t.csv", 'a,b\n"x\ny",2\n"1\n2"\n')
    assert f"{path}:4:" in refusal(path)


@pytest.mark.parametrize("name", ["t.tsv", "t.csv"])
def test_blank_line_between_rows_is_refused(write, name):
    separator = "\t" if name == "t.tsv" else ","
    path = write(name, "a,b\n1,2\n\n1,2\n".replace(",", separator))
    message = refusal(path)
    assert f"{path}:3:" in message
    assert "a blank line" in message


def test_blank_line_between_wide_rows_is_refused_without_header(write):
    path = write("t.tsv", "1\t2\n\n1\t2\n")
    assert f"{path}:2:" in refusal(path, ["0"], False)


@pytest.mark.parametrize("content", ['a,b\n"open,2\n', 'a,b\n"x"y,2\n'])
def test_broken_csv_quoting_is_refused(write, content):
    path = write("t.csv", content)
    assert f"{path}:2: broken row" in refusal(path)


@pytest.mark.parametrize("column", ["text", "-1", "²"])
def test_column_name_without_header_is_refused(write, column):
    message = refusal(write("t.tsv", "1\t2\n"), [column], False)
    assert "numbers from 0 (the first row has 0 to 1)" in message


def test_column_number_beyond_the_first_row_is_refused(write):
    assert "'0', '1'" in refusal(write("t.tsv", "1\t2\n"), ["2"], False)


def test_short_row_without_header_is_refused(write):
    path = write("t.tsv", "1\t2\n3\n")
    message = refusal(path, ["1"], False)
    assert f"{path}:2:" in message
    assert "1 field; expected at least 2" in message


def test_jsonl_without_header_is_refused(write):
    assert "names its columns" in refusal(write("t.jsonl", '{"a": 1}'), ["0"], False)


@pytest.mark.parametrize("value", ["true", "false", "null", "[1]", '{"c": 1}'])
def test_json_value_that_is_no_text_is_refused(write, value):
    path = write("t.jsonl", f'{{"a": "x", "b": 1}}\n{{"a": "x", "b": {value}}}\n')
    assert f"{path}:2: broken row: column 'b' is" in refusal(path)


def test_json_line_without_the_column_is_refused(write):
    path = write("t.jsonl", '{"a": 1, "b": 1}\n{"a": 1}\n')
    assert f"{path}:2: no column 'b'" in refusal(path)


@pytest.mark.parametrize(
    "line", ["[1, 2]", '"a"', "{", "", '{"a": NaN, "b": 1}', "[" * 100_000]
)
def test_line_that_is_no_object_is_refused(write, line):
    path = write("t.jsonl", f'{{"a": 1, "b": 1}}\n{line}\n{{"a": 1, "b": 1}}\n')
    assert f"{path}:2: broken row" in refusal(path)


def test_json_key_twice_is_refused(write):
    path = write("t.jsonl", '{"a": 1, "b": 1, "a": 2}\n')
    assert "'a' stands twice" in refusal(path)
