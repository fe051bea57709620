"""One HTML file that needs no network: findings first, then counts that filters count again.

The page brings a policy of its own (CSP), which lets the two scripts and the
style in it run and nothing else, so that no text from a log can become code.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, TextIO

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from envoylogs import __version__
from envoylogs.render.caveats import notes_of, unused_keys_of
from envoylogs.render.formatting import printable
from envoylogs.render.html.counts import packed_counts
from envoylogs.render.html.meta import meta_of
from envoylogs.render.words import accounts_of, headline_of, lesser_findings, noise_of, verdict_of

if TYPE_CHECKING:
    from envoylogs.summary.summary import Summary

_ASSETS = "render/html/assets"
_SCRIPTS = (
    "text.js", "times.js", "pending.js", "counts.js", "latency.js", "sums.js", "view.js",
    "tables.js", "contents.js", "filters.js", "figures.js", "markdown.js", "page.js",
)  # fmt: skip
"""In the order in which they are one: each uses those before it."""

_OF_NOTHING = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
"""The hash of an empty text: Plotly makes an empty style element, to which it adds rules, and sets
empty style attributes; nothing else may."""

# Inside a script element these could end it; as escapes they are the same JSON.
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def write_page(summary: Summary, out: TextIO) -> None:
    """Write a page with the findings and all counts of a summary with ``slices``."""
    if summary.slices is None:
        raise ValueError("a page needs joint counts by summary.slices.SLICE_COLUMNS")
    meta = meta_of(summary, summary.slices)
    unused = unused_keys_of(summary.accounts)
    css = _asset("page.css")
    script, plotly = "\n".join(map(_asset, _SCRIPTS)), get_plotlyjs()
    environment = Environment(
        loader=PackageLoader("envoylogs", _ASSETS), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["printable"] = printable
    page = environment.get_template("page.html.j2").render(
        title=f"{headline_of(summary)[0][0]} - envoylogs",
        tool=f"envoylogs {__version__}",
        csp=_policy(css, script, plotly),
        css=Markup(css),  # noqa: S704  # our own
        script=Markup(script),  # noqa: S704
        plotly=Markup(plotly),  # noqa: S704
        meta=Markup(orjson.dumps(meta).decode().translate(_ESCAPES)),  # noqa: S704  # escaped
        counts=packed_counts(summary.slices) if summary.slices.rows.height else "",
        near=meta["near"],
        facts=[text for text, _ in headline_of(summary)] + accounts_of(summary),
        notes=[*notes_of(summary), *([" ".join(unused)] if unused else [])],
        findings=meta["findings"],
        noise=noise_of(summary),
        rest=lesser_findings(summary),
        verdict=(verdict_of(summary) or ("",))[0],
    )
    out.write(page)


def _asset(name: str) -> str:
    return (files("envoylogs") / _ASSETS / name).read_text(encoding="utf-8")


def _policy(css: str, *scripts: str) -> str:
    """Return the page's Content-Security-Policy."""
    allowed = " ".join(map(_hash, scripts))
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(css)} {_OF_NOTHING}; "
        f"style-src-attr 'unsafe-hashes' {_OF_NOTHING}; img-src data: blob:; base-uri 'none'; "
        "form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
