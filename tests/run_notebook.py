"""Runs a notebook as Jupyter does; a cell that raises ends it with status 1.

usage: python run_notebook.py NOTEBOOK PARAMETERS OUTPUT
PARAMETERS is a JSON object: names of the cell tagged `parameters`, and other values for
them. OUTPUT is written in any case: the notebook with what its cells showed.
"""

import json
import pathlib
import sys

import nbclient
import nbformat

# A training is one cell.
_SECONDS_PER_CELL = 1800


def main(path: pathlib.Path, parameters: dict[str, object], output: str) -> None:
    """Validates, runs in the notebook's folder, and writes."""
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    (place,) = [
        index
        for index, cell in enumerate(notebook.cells)
        if "parameters" in cell.metadata.get("tags", [])
    ]
    changes = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(changes))
    client = nbclient.NotebookClient(
        notebook,
        timeout=_SECONDS_PER_CELL,
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute()
    finally:
        nbformat.write(notebook, output)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3])
