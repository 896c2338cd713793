import pytest

from firmware_export.unicode_tables import FOLDER, SETS, write_tables


@pytest.mark.slow
def test_the_tables_are_what_the_reference_does(tmp_path):
    write_tables(tmp_path)
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(SETS)
    for path in tmp_path.iterdir():
        assert path.read_text("utf-8") == (FOLDER / path.name).read_text("utf-8")
