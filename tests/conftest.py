"""A fixed terminal without settings, profiles for property tests, and the flag for golden files."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import hypothesis
import pytest

from envoylogs.reading.decoders.choice import VARIABLE as DECODER

_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "soak"

# The workers have all cores between them, and threads of Polars in each of them would wait for one
# another: a sixth of all time. Programs that tests start have as many as anywhere, and so has the
# long run.
if not _THOROUGH and "POLARS_MAX_THREADS" not in os.environ:
    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars as pl

    pl.thread_pool_size()
    del os.environ["POLARS_MAX_THREADS"]

hypothesis.settings.register_profile(
    "default",
    max_examples=30,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "soak", hypothesis.settings.get_profile("default"), max_examples=3000
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files anew; read the diff"
    )


@pytest.fixture(scope="session")
def compiled_decoder() -> None:
    """Ask for the compiled decoder, whichever one the run is with."""
    try:
        import_module("envoylogs.reading.decoders._compiled_decoder")
    except ImportError:
        why = "needs the compiled decoder: apt-get install gcc python3-dev, and make clean"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the settings of whoever runs the tests out of them; caches and pip stay as they are.

    So does the decoder: a run of the tests is with the one or with the other.
    """
    for name in [name for name in os.environ if name.startswith("ENVOYLOGS_")]:
        if name != DECODER:
            monkeypatch.delenv(name)
    caches = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    if "PIP_CONFIG_FILE" not in os.environ and (settings / "pip" / "pip.conf").exists():
        monkeypatch.setenv("PIP_CONFIG_FILE", str(settings / "pip" / "pip.conf"))
    home = tmp_path_factory.getbasetemp() / "home"
    places = {"HOME": home, "APPDATA": home, "XDG_CONFIG_HOME": home / ".config"}
    for name, value in {**places, "XDG_CACHE_HOME": caches}.items():
        monkeypatch.setenv(name, str(value))


@pytest.fixture(autouse=True)
def _fixed_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COLUMNS": "80", "TZ": "UTC", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
