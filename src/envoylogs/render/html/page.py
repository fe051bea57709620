"""One HTML file that needs no network: findings first, then counts that filters count again.

Counts are numbers, packed. The script of the page unpacks the same; ``assets/counts.js`` has the
other half of each rule. Rows are in the order of latency, which makes a percentile of any slice one
pass over them, and makes runs of equal latency that pack well.

The page brings a policy of its own (CSP), which lets the two scripts and the
style in it run and nothing else, so that no text from a log can become code.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, TextIO

import orjson
import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from envoylogs import __version__
from envoylogs.render.caveats import notes_of, unused_keys_of
from envoylogs.render.explained import configuration_words, explained_for_page
from envoylogs.render.formatting import printable
from envoylogs.render.html.meta import PAGE_LEDGER, meta_of
from envoylogs.render.words import accounts_of, headline_of, lesser_findings, noise_of, verdict_of
from envoylogs.summary.slices import SLICE_COLUMNS

if TYPE_CHECKING:
    from envoylogs.summary.slices import Slices
    from envoylogs.summary.summary import Summary

_ASSETS = "render/html/assets"
_SCRIPTS = (
    "text.js", "times.js", "pending.js", "counts.js", "latency.js", "shares.js", "sums.js",
    "view.js", "tables.js", "contents.js", "filters.js", "figures.js", "split_figures.js",
    "markdown.js", "page.js",
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
    environment.filters["lines"] = lambda text: "\n".join(map(printable, text.split("\n")))
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
        configuration=summary.mesh and configuration_words(summary.mesh.configuration),
        explained=explained_for_page(summary),
    )
    out.write(page)


def _asset(name: str) -> str:
    return (files("envoylogs") / _ASSETS / name).read_text(encoding="utf-8")


def _policy(css: str, *scripts: str) -> str:
    allowed = " ".join(map(_hash, scripts))
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(css)} {_OF_NOTHING}; "
        f"style-src-attr 'unsafe-hashes' {_OF_NOTHING}; img-src data: blob:; base-uri 'none'; "
        "form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_US_PER_S = 1_000_000

_LEVEL = 6
"""Of compression: the highest takes three times as long, for a fiftieth fewer bytes."""


def packed_counts(slices: Slices) -> str:
    """Return the counts as JSON, compressed with gzip, in base64.

    Objects in it: ``dimensions`` has the values of each column, the most
    frequent first; ``combinations`` the place of each value in them, and what
    the combination is; ``rows`` has ``values`` (pairs of a latency and how many
    rows have it), and of each row the combination (as the difference to the row
    before of the same latency), the time bucket and how many records there are;
    ``starts`` the time buckets, in seconds since 1970, null last; ``examples``
    records behind failures.
    """
    starts = slices.rows["start"].unique().sort(nulls_last=True)
    dimensions, combinations = _numbered(slices.combinations)
    rows = slices.rows.join(
        pl.DataFrame({"start": starts}).with_row_index("bucket"),
        on="start", how="left", nulls_equal=True, maintain_order="left",
    )  # fmt: skip
    same_latency = pl.col("value_ms").eq_missing(pl.col("value_ms").shift(1))
    number = pl.col("combination").cast(pl.Int64)
    before = pl.when(same_latency).then(number.shift(1, fill_value=0)).otherwise(0)
    deltas = rows.select(number - before).to_series()
    runs = rows.group_by("value_ms", maintain_order=True).len()
    counts = {
        "dimensions": dimensions,
        "combinations": combinations,
        "rows": {
            "values": list(runs.iter_rows()),
            "combinations": deltas.to_list(),
            "buckets": rows["bucket"].to_list(),
            "requests": rows["records"].to_list(),
        },
        "starts": (starts // _US_PER_S).to_list(),
        "examples": slices.examples.to_dicts(),
    }
    return base64.b64encode(gzip.compress(orjson.dumps(counts), _LEVEL, mtime=0)).decode()


def _numbered(frame: pl.DataFrame) -> tuple[dict[str, list[object]], dict[str, list[int]]]:
    """Return the values of each column, and combinations as places in them."""
    dimensions: dict[str, list[object]] = {}
    combinations: dict[str, list[int]] = {}
    for name in SLICE_COLUMNS:
        values = frame[name].unique(maintain_order=True)
        places = pl.DataFrame({name: values}).with_row_index("place")
        placed = frame.select(name).join(places, on=name, how="left", nulls_equal=True,
                                         maintain_order="left")  # fmt: skip
        dimensions[name] = values.to_list()
        combinations[name] = placed["place"].to_list()
    for name in ("connection", "error", "noise", "known"):
        combinations[name] = frame[name].cast(pl.Int64).to_list()
    kinds = {kind: place for place, kind in enumerate(PAGE_LEDGER)}
    ledger = frame["ledger"].replace_strict(kinds, default=-1, return_dtype=pl.Int64)
    combinations["ledger"] = ledger.to_list()
    return dimensions, combinations
