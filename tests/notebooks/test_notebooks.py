"""The notebooks run from a clean kernel and print what is kept in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

_FOLDER = Path(__file__).parents[2] / "notebooks"
_NOTEBOOKS = sorted(_FOLDER.glob("*.ipynb"))

# jupyter's own, about how it will find its folders one day.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def _printed(notebook: Any) -> list[list[str]]:
    """Return what each cell prints or shows as text; figures are no text."""
    cells = []
    for cell in notebook.cells:
        texts = []
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                texts.append(output.text)
            elif output.output_type == "execute_result":
                texts.append(output.data["text/plain"])
        cells.append(texts)
    return cells


@pytest.mark.parametrize("path", _NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_prints_what_is_kept_in_it(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    kept = nbformat.read(path, as_version=4)
    again = nbformat.read(path, as_version=4)
    for cell in again.cells:
        if cell.cell_type == "code":
            cell.outputs = []

    NotebookClient(
        again, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(_FOLDER)}}
    ).execute()

    assert _printed(again) == _printed(kept), "run make notebooks, and read the difference"


@pytest.mark.parametrize("path", _NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_can_be_read_where_nothing_runs(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    shown = [output for cell in code for output in cell.outputs]

    assert all(cell.execution_count for cell in code)
    assert any("image/png" in output.get("data", {}) for output in shown)
    assert path.stat().st_size < 500_000


def test_there_is_a_quickstart_and_an_incident() -> None:
    assert [path.stem for path in _NOTEBOOKS] == ["incident", "quickstart"]
