"""Builds the compiled decoder into the package where it can, and leaves it out where it can't.

A compiler or Python's headers may be missing, or be of a kind that nobody tried. The decoder only
makes reading faster, so nothing that goes wrong here may fail an installation.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

_FOLDER = Path("envoylogs", "reading", "decoders")
_NAME = "_compiled_decoder"

# The oldest Python of `requires-python`, whose limited API all later ones have.
_LIMITED_API = "0x030b0000"
_INTERPRETER_AND_ABI = "cp311-abi3"

# The module's entry is visible by its own declaration. Python's flags ask for what a debugger
# needs, which would be half of the file.
_FLAGS_UNLESS_MSVC = ["-O3", "-fvisibility=hidden", "-g0"]


class CompiledDecoderHook(BuildHookInterface[Any]):
    """Compiles the decoder for a wheel, or into the source tree for an editable installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build it before anything is packed.

        Args:
            version: Of the target: ``standard`` or ``editable``.
            build_data: What is packed, and how the wheel is tagged.
        """
        beside_python = Path(self.root, "src", _FOLDER)
        if version == "editable":
            # One that is older than its sources must not outlive a build that fails.
            for suffix in ("so", "pyd"):
                for left_over in beside_python.glob(f"{_NAME}.*{suffix}"):
                    left_over.unlink()
        # An ordinary wheel is not built in the tree, in which a program may be running.
        self._temporary = TemporaryDirectory()
        try:
            built = _compiled(beside_python / "_compiled", Path(self._temporary.name))
            if version == "editable":
                shutil.copy(built, beside_python)
                return
        except Exception as error:  # noqa: BLE001  # whatever it is, the reference decoder is there
            words = f"The compiled decoder was not built, so reading is slower: {error}"
            self.app.display_warning(words)
            return
        build_data["force_include"][str(built)] = str(_FOLDER / built.name)
        build_data["pure_python"] = False
        build_data["tag"] = f"{_INTERPRETER_AND_ABI}-{_platform()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was built, once it is packed."""
        del version, build_data, artifact_path
        self._temporary.cleanup()


def _compiled(sources: Path, folder: Path) -> Path:
    """Compile all C files of a folder, and return the extension module."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise NotImplementedError("this Python has no limited API")
    # Where it can't be imported, that is one more reason for which nothing is built.
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    extension = Extension(
        _NAME,
        [str(path) for path in sorted(sources.glob("*.c"))],
        define_macros=[("Py_LIMITED_API", _LIMITED_API)],
        extra_compile_args=[] if os.name == "nt" else _FLAGS_UNLESS_MSVC,
        py_limited_api=True,
    )
    command = build_ext(Distribution({"ext_modules": [extension]}))
    command.build_lib = command.build_temp = str(folder)
    command.ensure_finalized()
    command.run()
    return Path(command.get_ext_fullpath(_NAME))


def _platform() -> str:
    """Return the platform as wheels name it: the most specific one that promises nothing of C."""
    return next(
        tag.platform
        for tag in sys_tags()
        if not tag.platform.startswith(("manylinux", "musllinux"))
    )
