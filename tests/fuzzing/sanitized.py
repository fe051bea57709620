"""Run tests against extensions that are built with sanitizers: `python -m tests.fuzzing.sanitized`.

The package is copied beside them, so that what is installed stays as it is. Every object of Python
is a block of its own, since a read past the end of a larger one that they share would not be seen.
Leaks are not looked for: Python itself keeps what it has when it ends.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_SRC = ROOT / "src"
_FLAGS = (
    "-shared", "-fPIC", "-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all", "-DPy_LIMITED_API=0x030b0000",
)  # fmt: skip
_TESTS = (
    "tests/laws/test_decoder_laws.py",
    "tests/laws/test_compiled_laws.py",
    "tests/unit/reading",
    "tests/unit/grouping",
)


def build(folder: Path) -> list[Path]:
    """Copy the package into a folder, and build its extensions there; returns these."""
    shutil.copytree(
        _SRC, folder, ignore=shutil.ignore_patterns("*.so", "__pycache__"), dirs_exist_ok=True
    )
    built = []
    for stub in sorted(folder.rglob("_compiled_*.pyi")):
        module = stub.with_suffix(".abi3.so")
        sources = sorted((stub.parent / "_compiled").glob("*.c"))
        include = sysconfig.get_paths()["include"]
        subprocess.run(["gcc", *_FLAGS, f"-I{include}", "-o", module, *sources], check=True)
        built.append(module)
    return built


def environment(folder: Path) -> dict[str, str]:
    """Return the environment in which Python uses what was built in a folder."""
    # The runtime must be there before Python, and C++ too where it looks for exceptions.
    first = [_file_of("libasan.so"), _file_of("libstdc++.so")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
        "PYTHONMALLOC": "malloc",
        "ENVOYLOGS_DECODER": "compiled",
        "LD_PRELOAD": " ".join(first),
        "ASAN_OPTIONS": "detect_leaks=0:detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }


def _file_of(name: str) -> str:
    command = ["gcc", f"-print-file-name={name}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> int:
    """Build, and run the tests; a report of a sanitizer ends them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "tests", nargs="*", default=[test for test in _TESTS if Path(test).exists()]
    )
    given = parser.parse_args()
    if shutil.which("gcc") is None:
        print("needs gcc: apt-get install gcc python3-dev", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        build(folder)
        used = "import envoylogs; print(envoylogs.__file__)"
        python = [sys.executable, "-c", used]
        where = subprocess.run(
            python, env=environment(folder), check=True, capture_output=True, text=True
        ).stdout
        if not where.startswith(temporary):
            print(f"the tests would use {where.strip()}", file=sys.stderr)
            return 2
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *given.tests]
        return subprocess.run(command, env=environment(folder), cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
