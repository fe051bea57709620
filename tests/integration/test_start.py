"""What starting costs: which modules a help text and an import bring in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks import generator

from envoylogs.cli.app import COMMANDS

_HEAVY = ("polars", "plotly", "rich", "pydantic")


_OTHER_COMMANDS = {f"envoylogs.cli.commands.{name}" for name in COMMANDS} - {
    "envoylogs.cli.commands.summarize"
}


def _loaded(code: str) -> set[str]:
    """Return the names of the modules that are loaded at the end, and those of their packages."""
    report = "import sys; print(*sorted({*sys.modules, *(n.split('.')[0] for n in sys.modules)}))"
    found = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return set(found.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = _loaded("import envoylogs")

    assert loaded.isdisjoint({*_HEAVY, "typer", "orjson", "dask"})


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["summarize", "--help"], ["--version"], ["help"], ["help", "overflow"]],
)
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['envoylogs', *{arguments!r}]\n"
        "from envoylogs.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )

    assert _loaded(code).isdisjoint(_HEAVY)


@pytest.mark.parametrize("arguments", [["summarize", "--help"], ["--show-config"]])
def test_without_a_file_of_settings_nothing_is_loaded_that_reads_one(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['envoylogs', *{arguments!r}]\n"
        "from envoylogs.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )

    assert _loaded(code).isdisjoint({*_HEAVY, "tomllib"})


def test_decoders_are_loaded_only_for_what_is_compressed() -> None:
    code = (
        "import sys, io\n"
        "sys.argv = ['envoylogs', 'summarize', 'sample_logs/shop', '--format', 'json']\n"
        "from envoylogs.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )

    assert _loaded(code).isdisjoint({"zlib_ng", "backports"})


def test_json_output_needs_no_terminal_library() -> None:
    code = (
        "import sys, io\n"
        "sys.argv = ['envoylogs', 'summarize', 'sample_logs/shop', '--format', 'json']\n"
        "from envoylogs.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )

    assert "rich" not in _loaded(code)


@pytest.mark.parametrize("options", [[], ["--format", "json"], ["-o", "/dev/null"]])
def test_a_summary_of_a_few_lines_loads_nothing_that_it_does_not_use(
    options: list[str], tmp_path: Path
) -> None:
    log = tmp_path / "ten.log"
    log.write_bytes(b"".join(generator.lines(10)))
    code = (
        "import sys\n"
        f"sys.argv = ['envoylogs', 'summarize', {str(log)!r}, *{options!r}]\n"
        "from envoylogs.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )

    unused = {
        "plotly", "jinja2", "pydantic", "tomllib", "filelock", "markupsafe",
        "typer.rich_utils", "envoylogs.render.html", "envoylogs.records", "envoylogs.frames",
        *_OTHER_COMMANDS,
    }  # fmt: skip
    assert not _loaded(code) & unused


def test_all_commands_are_offered_to_a_shell_that_completes() -> None:
    asked = {"_ENVOYLOGS_COMPLETE": "complete_bash", "COMP_WORDS": "envoylogs ", "COMP_CWORD": "1"}

    found = subprocess.run(
        [sys.executable, "-m", "envoylogs"],
        env=os.environ | asked, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=True,
    )  # fmt: skip

    assert set(found.stdout.split()) == set(COMMANDS)
