"""Builds what is compiled into the package where it can, and leaves it out where it can't.

A compiler or Python's headers may be missing, or be of a kind that nobody tried. The extensions
only make reading and counting faster, so nothing that goes wrong here may fail an installation.
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

_EXTENSIONS = {
    "_compiled_decoder": Path("envoylogs", "reading", "decoders"),
    "_compiled_grouping": Path("envoylogs", "grouping"),
}
"""Modules by name, with the folders that they are in; each is of all C files of ``_compiled``
there."""

# The oldest Python of `requires-python`, whose limited API all later ones have.
_LIMITED_API = "0x030b0000"
_INTERPRETER_AND_ABI = "cp311-abi3"

# The module's entry is visible by its own declaration. Python's flags ask for what a debugger
# needs, which would be half of the file.
_FLAGS_UNLESS_MSVC = ["-O3", "-fvisibility=hidden", "-g0"]


class CompiledDecoderHook(BuildHookInterface[Any]):
    """Compiles the extensions for a wheel, or into the source tree for an editable installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build them before anything is packed.

        Args:
            version: Of the target: ``standard`` or ``editable``.
            build_data: What is packed, and how the wheel is tagged.
        """
        src = Path(self.root, "src")
        if version == "editable":
            # One that is older than its sources must not outlive a build that fails.
            for name, folder in _EXTENSIONS.items():
                for suffix in ("so", "pyd"):
                    for left_over in (src / folder).glob(f"{name}.*{suffix}"):
                        left_over.unlink()
        # An ordinary wheel is not built in the tree, in which a program may be running.
        self._temporary = TemporaryDirectory()
        try:
            built = {
                _compiled(name, src / folder / "_compiled", Path(self._temporary.name)): folder
                for name, folder in _EXTENSIONS.items()
            }
            if version == "editable":
                for module, folder in built.items():
                    shutil.copy(module, src / folder)
                return
        except Exception as error:  # noqa: BLE001  # whatever it is, the reference decoder is there
            words = f"The compiled decoder was not built, so reading is slower: {error}"
            self.app.display_warning(words)
            return
        for module, folder in built.items():
            build_data["force_include"][str(module)] = str(folder / module.name)
        build_data["pure_python"] = False
        build_data["tag"] = f"{_INTERPRETER_AND_ABI}-{_platform()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was built, once it is packed."""
        del version, build_data, artifact_path
        self._temporary.cleanup()


def _compiled(name: str, sources: Path, folder: Path) -> Path:
    """Compile all C files of a folder, and return the extension module of a name."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise NotImplementedError("this Python has no limited API")
    # Where it can't be imported, that is one more reason for which nothing is built.
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    extension = Extension(
        name,
        [str(path) for path in sorted(sources.glob("*.c"))],
        define_macros=[("Py_LIMITED_API", _LIMITED_API)],
        extra_compile_args=[] if os.name == "nt" else _FLAGS_UNLESS_MSVC,
        py_limited_api=True,
    )
    command = build_ext(Distribution({"ext_modules": [extension]}))
    command.build_lib = command.build_temp = str(folder)
    command.ensure_finalized()
    command.run()
    return Path(command.get_ext_fullpath(name))


def _platform() -> str:
    """Return the platform as wheels name it: the most specific one that promises nothing of C."""
    return next(
        tag.platform
        for tag in sys_tags()
        if not tag.platform.startswith(("manylinux", "musllinux"))
    )
