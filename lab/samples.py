"""Make the sample logs again: ``python -m lab.samples``.

The traffic is the same each time; times, ids and what Envoy decides by chance
are not.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lab.run import run_story
from lab.stories import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SAMPLE_LOGS", "make_sample"]

SAMPLE_LOGS = Path(__file__).parents[1] / "sample_logs"


def make_sample(
    name: str, root: Path, *, seed: int = 1, scale: float = 1.0, network: str = "127.0.0"
) -> None:
    """Tell one story and keep its logs, the route tables and what was counted.

    ``NAME/`` holds nothing but the JSON logs, so that the folder can be read
    as one log; the same requests as TEXT are in ``text/NAME/``, the rest in
    ``manifests/NAME/``.

    Args:
        name: One of ``SAMPLES``.
        root: The folder of all samples.
        seed: See ``run_story``, as the others.
        scale: As there.
        network: As there.
    """
    with TemporaryDirectory() as folder:
        made = Path(folder)
        run_story(name, made, seed=seed, scale=scale, network=network)
        _replace(root / name, made.glob("*.json.log"))
        _replace(root / "text" / name, made.glob("*.text.log"))
        _replace(root / "manifests" / name, [made / "manifest.json", *made.glob("*.routes.json")])


def _replace(folder: Path, files: Iterable[Path]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in files:
        shutil.copyfile(file, folder / file.name)


def main() -> None:
    """Make some samples, or all."""
    parser = argparse.ArgumentParser(prog="python -m lab.samples", description=__doc__)
    parser.add_argument("story", nargs="*", help=f"of {', '.join(SAMPLES)}; all without")
    parser.add_argument("-o", "--output", type=Path, default=SAMPLE_LOGS)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for name in arguments.story or SAMPLES:
        make_sample(name, arguments.output, seed=arguments.seed)
        sys.stdout.write(f"{arguments.output / name}\n")


if __name__ == "__main__":
    main()
