"""Run the notebooks from a clean kernel and keep what they print, without the time it took.

``make notebooks`` from the top of the project. Pictures of figures are kept
too, so that a notebook can be read where nothing runs; they need Chromium.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nbformat
from nbclient import NotebookClient

_FOLDER = Path(__file__).parents[1] / "notebooks"


def main() -> None:
    """Run each notebook in its folder."""
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("needs Chromium: apt-get install chromium")
    os.environ |= {"PLOTLY_RENDERER": "png", "BROWSER_PATH": program}
    for path in sorted(_FOLDER.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        folder = {"metadata": {"path": str(_FOLDER)}}
        NotebookClient(notebook, record_timing=False, resources=folder).execute()
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
