"""The records behind a finding: examples, clients, gateways, buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.outcomes import UNROUTED
from envoylogs.summary.findings.finding import Example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.summary.facts import Facts

__all__ = [
    "Witnesses",
    "codes_of",
    "first_of",
    "gateways_of",
    "is_host",
    "last_of",
    "listed",
    "proof_of",
    "sum_of",
    "unrouted_rows",
    "witnesses_among",
    "witnesses_of",
]

_EXAMPLES = 3


class Witnesses(NamedTuple):
    """What the kept examples of a failure say.

    Attributes:
        examples: The first few.
        clients: How many clients they are of.
        ports: The ports of the gateway that they came to.
    """

    examples: tuple[Example, ...]
    clients: int
    ports: tuple[str, ...]


def witnesses_of(facts: Facts, where: pl.Expr) -> Witnesses:
    """Return the examples that were kept of a failure.

    Args:
        facts: Of the log.
        where: Over the columns of ``FailureEvidence`` and ``host``.
    """
    kept = facts.tally.evidence.frame.with_columns(facts.host_of_authority).filter(where)
    return witnesses_among(kept)


def witnesses_among(kept: pl.DataFrame) -> Witnesses:
    """Return what some of the kept examples say."""
    first = kept.sort("rank", "start", "request_id", "line", nulls_last=True).head(_EXAMPLES)
    examples = tuple(Example(*row) for row in first.select("source", "line", "request_id").rows())
    ports = kept["downstream_local_address"].str.extract(r":(\d+)$").drop_nulls().unique().sort()
    return Witnesses(examples, kept["client"].drop_nulls().n_unique(), tuple(ports))


def gateways_of(facts: Facts, rows: pl.DataFrame) -> tuple[int, int]:
    """Return how many gateways these rows are of, and how many there are."""
    everywhere = pl.concat([facts.requests["gateway"], facts.connections["gateway"]])
    return rows["gateway"].drop_nulls().n_unique(), everywhere.drop_nulls().n_unique()


def unrouted_rows(facts: Facts, host: str) -> tuple[pl.DataFrame, Witnesses]:
    """Return the rows of a host's requests without a route, and what their examples say."""
    rows = facts.requests.filter(is_host(host) & pl.col("unrouted"))
    return rows, witnesses_of(facts, is_host(host) & pl.col("outcome").is_in(UNROUTED))


def is_host(host: str | None) -> pl.Expr:
    """Tell the rows of a host, which may be missing."""
    return pl.col("host").eq_missing(pl.lit(host, pl.String))


def sum_of(rows: pl.DataFrame, column: str = "requests") -> int:
    """Return the sum of a column of counts."""
    return int(rows[column].sum())


def first_of(rows: pl.DataFrame, column: str = "first") -> int | None:
    """Return the earliest of some times, null without any."""
    first = rows[column].min()
    return first if isinstance(first, int) else None


def last_of(rows: pl.DataFrame, column: str = "last") -> int | None:
    """Return the latest of some times, null without any."""
    last = rows[column].max()
    return last if isinstance(last, int) else None


_LAST_OF_HTTP, _CODES_NAMED = 599, 3


def codes_of(rows: pl.DataFrame) -> str:
    """Return what codes some rows have: a class of them, those that HTTP does not have, or both."""
    found = rows["response_code"].drop_nulls().unique().sort()
    unheard_of = found.filter(found > _LAST_OF_HTTP).to_list()
    known = found.filter(found <= _LAST_OF_HTTP).to_list()
    classes = [f"{hundreds}xx" for hundreds in sorted({code // 100 for code in known if code})]
    words = [str(known[0])] if len(known) == 1 and known[0] else classes
    words += map(str, unheard_of[:_CODES_NAMED])
    if not words:
        return "nothing"
    *rest, last = [*words, *(["more"] if len(unheard_of) > _CODES_NAMED else [])]
    return f"{', '.join(rest)} and {last}" if rest else last


_REASONS = ("connection_termination_details", "upstream_transport_failure_reason")
_LONGEST_REASON = 200


def proof_of(rows: pl.DataFrame, kept: pl.DataFrame | None = None) -> str:
    """Return the most frequent code, flags and details of some rows, as logged.

    Args:
        rows: Of ``TrafficCounts``.
        kept: The examples of these, which say too why a connection ended or was not made.
    """
    columns = ("response_code", "response_flags", "response_code_details")
    counted = rows.group_by(columns).agg(pl.col("requests").sum())
    best = counted.sort("requests", *columns, descending=[True, False, False, False]).row(0)
    said = " ".join(str(value) for value in best[:3] if value is not None)
    return "; ".join([said, *(_reasons_of(kept, said) if kept is not None else [])])


def _reasons_of(kept: pl.DataFrame, said: str) -> Iterator[str]:
    """Yield the most frequent reasons of examples that the details do not repeat."""
    for name in _REASONS:
        # Newer releases add the address, which is not the same for all.
        reason = pl.col(name).str.replace(r"\|remote[_ ]address:.*$", "").str.head(_LONGEST_REASON)
        found = kept.select(reason.drop_nulls().mode().sort().first()).item()
        if found is not None and found.replace(" ", "_") not in said:
            yield f"{name} {found}"


_NAMES_SHOWN = 3


def listed(names: list[str]) -> str:
    """Return the first few names, and how many more there are."""
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
