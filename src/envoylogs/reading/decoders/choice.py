"""Which decoder of JSON is in use: the compiled one where it was built, unless told otherwise.

Both give the same answers, so it is no option: the variable is for whoever compares them, or must
be sure of the faster one. Nothing heavy is imported here, since ``--version`` asks too.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import NamedTuple

from envoylogs.errors import ConfigurationError, first_line

VARIABLE = "ENVOYLOGS_DECODER"

REFERENCE = "reference"
_COMPILED = "compiled"
_MODULE = "envoylogs.reading.decoders._compiled_decoder"


class DecoderChoice(NamedTuple):
    """A decoder, and why it is that one."""

    is_compiled: bool
    """Whether ``_compiled_decoder`` is there and is to be used."""
    description: str


@cache
def decoder_choice() -> DecoderChoice:
    """Return which decoder this process uses, decided when it is first asked.

    Raises:
        ConfigurationError: If the environment names no decoder, or one that is not there.
    """
    # An empty variable sets nothing, as with settings.
    wanted = os.environ.get(VARIABLE) or None
    if wanted not in {None, REFERENCE, _COMPILED}:
        why = f"{wanted!r} is no decoder. Give {REFERENCE} or {_COMPILED}, or unset it."
        raise ConfigurationError.value("the environment", VARIABLE, why)
    if wanted == REFERENCE:
        return DecoderChoice(
            is_compiled=False, description=f"{REFERENCE} decoder, chosen by {VARIABLE}"
        )
    if missing := _why_not_compiled():
        if wanted == _COMPILED:
            why = (
                f"the {_COMPILED} decoder {missing}. Install envoylogs again where a C compiler "
                "and Python's headers are (apt-get install gcc python3-dev), with pip install -v, "
                "which shows what fails; or unset it."
            )
            raise ConfigurationError.value("the environment", VARIABLE, why)
        return DecoderChoice(
            is_compiled=False,
            description=f"{REFERENCE} decoder: the {_COMPILED} one {missing}",
        )
    return DecoderChoice(is_compiled=True, description=f"{_COMPILED} decoder")


def _why_not_compiled() -> str:
    """Return what keeps the compiled decoder from being used; nothing if it can be."""
    try:
        import_module(_MODULE)
    except ModuleNotFoundError:
        return "was not built"
    except ImportError as error:
        # Built for another machine or C library: a tree that is shared with a container.
        return f"can't be loaded ({first_line(error)})"
    return ""
