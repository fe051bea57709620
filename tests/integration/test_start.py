"""What starting costs: which modules a help text and an import bring in."""

from __future__ import annotations

import subprocess
import sys

import pytest

_HEAVY = ("polars", "plotly", "rich")


def _loaded(code: str) -> set[str]:
    report = "import sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    found = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return set(found.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = _loaded("import envoylogs")

    assert loaded.isdisjoint({*_HEAVY, "typer", "orjson", "dask"})


@pytest.mark.parametrize("arguments", [["--help"], ["summarize", "--help"], ["--version"]])
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
