"""Find what is wrong at an Istio ingress gateway from its access log.

The command line is ``envoylogs``; the stages behind it are described in
``docs/architecture.md``. Importing the package is cheap: nothing of Polars,
Typer, Rich or plotly is loaded by it.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
