"""The package installed: with its compiled decoder and without, and with no development tools."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_DECODERS = Path("src", "envoylogs", "reading", "decoders")
_TREE = ("README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "hatch_build.py", "docs", "src")

_COMPILER = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
_NOT_BUILT = "envoylogs 0.1.0 (reference decoder: the compiled one was not built)\n"
_COMPILED = "envoylogs 0.1.0 (compiled decoder)\n"

# The real compiler fails as it does where the headers are not installed.
_WITHOUT_HEADERS = """\
#!/bin/sh
for argument do
  shift
  case $argument in -I*) ;; *) set -- "$@" "$argument" ;; esac
done
exec {compiler} "$@"
"""


@pytest.fixture(scope="module")
def _compiler() -> None:
    headers = Path(sysconfig.get_path("include"), "Python.h")
    if shutil.which(_COMPILER) is None or not headers.exists():
        words = "needs a C compiler and Python's headers: apt-get install gcc python3-dev"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)


@pytest.fixture(scope="module", autouse=True)
def _nothing_but_what_is_installed() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        # They would find the source in the place of the wheel, and choose a decoder.
        for name in ("PYTHONPATH", "ENVOYLOGS_DECODER"):
            environment.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _wheel_and_words(tmp_path_factory.mktemp("wheel"))[0]


def _pip(*arguments: str | Path) -> str:
    """Run pip and return all that it prints."""
    found = subprocess.run(
        [sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False
    )
    printed = found.stdout + found.stderr
    assert not found.returncode, printed
    return printed


def _wheel_and_words(folder: Path) -> tuple[Path, str]:
    """Build a wheel of the tree, and return what was printed with it."""
    printed = _pip("wheel", "--verbose", "--no-deps", "-w", folder, _ROOT)
    return next(folder.glob("*.whl")), printed


def _installed(what: list[str | Path], folder: Path) -> Path:
    """Install into an environment that has what it needs from that of the tests; return its bin."""
    venv.create(folder)
    python = folder / "bin" / "python"
    _pip("--python", python, "install", "--quiet", "--no-deps", *what)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def _printed(bin_folder: Path, *arguments: str | Path) -> str:
    return subprocess.run(
        [bin_folder / "envoylogs", *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=bin_folder.parent,
    ).stdout


def test_the_wheel_runs_without_development_dependencies(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    bin_folder = tmp_path / "venv" / "bin"
    subprocess.run([bin_folder / "pip", "install", "--quiet", wheel], check=True)

    version = _printed(bin_folder, "--version")
    summary = _printed(bin_folder, "summarize", _ROOT / "sample_logs" / "article")
    page = _printed(bin_folder, "help", "lost_route")
    installed = subprocess.run(
        [bin_folder / "pip", "list", "--format", "freeze"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert version.startswith("envoylogs ")
    assert "No route for echo-service" in summary
    assert page.startswith("# lost_route\n")
    manual = tmp_path / "venv" / "share" / "man" / "man1" / "envoylogs.1"
    assert ".SH NAME" in manual.read_text(encoding="utf-8")
    assert "pytest" not in installed.stdout
    assert "hypothesis" not in installed.stdout


@pytest.mark.usefixtures("_compiler")
def test_a_wheel_with_the_compiled_decoder_is_for_any_python_of_its_platform(
    wheel: Path, tmp_path: Path
) -> None:
    bin_folder = _installed([wheel], tmp_path / "venv")

    assert "-cp311-abi3-" in wheel.name
    assert not wheel.stem.endswith("-any")
    assert _printed(bin_folder, "--version") == _COMPILED
    assert "echo-service" in _printed(bin_folder, "summarize", _ROOT / "sample_logs" / "article")


@pytest.mark.parametrize("hidden", ["compiler", "headers"])
def test_without_compiler_or_headers_the_wheel_is_pure_and_reads_logs_all_the_same(
    hidden: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    compiler = tmp_path / "no-such-compiler"
    if hidden == "headers":
        request.getfixturevalue("_compiler")
        compiler = tmp_path / "compiler"
        compiler.write_text(_WITHOUT_HEADERS.format(compiler=_COMPILER))
        compiler.chmod(0o755)
        for name in ("CPATH", "C_INCLUDE_PATH"):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CC", str(compiler))

    wheel, words = _wheel_and_words(tmp_path)
    bin_folder = _installed([wheel], tmp_path / "venv")

    assert words.count("The compiled decoder was not built") == 1
    assert ("Python.h" in words) is (hidden == "headers")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert _printed(bin_folder, "--version") == _NOT_BUILT
    assert "echo-service" in _printed(bin_folder, "summarize", _ROOT / "sample_logs" / "article")


@pytest.mark.usefixtures("_compiler")
def test_an_editable_installation_keeps_no_decoder_that_is_older_than_its_sources(
    tmp_path: Path,
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in _TREE:
        if (_ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
            shutil.copytree(_ROOT / name, tree / name, ignore=ignored)
        else:
            shutil.copy(_ROOT / name, tree)

    built = _printed(_installed(["-e", tree], tmp_path / "first"), "--version")
    modules = list((tree / _DECODERS).glob("*.so"))
    # A file more is compiled without being named anywhere.
    (tree / _DECODERS / "_compiled" / "zz.c").write_text("#error not finished\n")
    broken = _printed(_installed(["-e", tree], tmp_path / "second"), "--version")

    assert built == _COMPILED
    assert [path.name for path in modules] == ["_compiled_decoder.abi3.so"]
    assert broken == _NOT_BUILT
    assert not list((tree / _DECODERS).glob("*.so"))


@pytest.mark.usefixtures("_compiler")
def test_the_tests_run_with_the_compiled_decoder() -> None:
    found = find_spec("envoylogs.reading.decoders._compiled_decoder")

    assert found, "not built, or there was no compiler yet: pip install -v -e . says what fails"
