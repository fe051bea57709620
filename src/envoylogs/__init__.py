"""Find what is wrong at an Istio ingress gateway from its access log.

``scan`` is a Polars lazy frame of the records, ``read`` a frame, ``analyze`` says
what is wrong. The command line is ``envoylogs``, and ``envoylogs help api`` the
page about all this. Importing the package is cheap: nothing of Polars, Typer,
Rich or plotly is loaded before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envoylogs.analysis import Analysis
    from envoylogs.api import analyze, read, scan
    from envoylogs.errors import EnvoylogsError

__all__ = ["Analysis", "EnvoylogsError", "__version__", "analyze", "read", "scan"]

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "envoylogs.analysis",
    "EnvoylogsError": "envoylogs.errors",
    "analyze": "envoylogs.api",
    "read": "envoylogs.api",
    "scan": "envoylogs.api",
}


if not TYPE_CHECKING:  # to a type checker there is nothing but the names above

    def __getattr__(name: str) -> object:
        """Load what is asked for by its name."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found: object = getattr(import_module(_HOMES[name]), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
