"""The records behind a finding: examples, clients, gateways, buckets."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from envoylogs.summary.findings.finding import Example
from envoylogs.summary.in_words import listing
from envoylogs.summary.judged import whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.summary.judged import Judged

_EXAMPLES = 3


class Witnesses(NamedTuple):
    """What the kept examples of a failure say: the first few, of how many clients, to which ports.

    Ports are those of the gateway.
    """

    examples: tuple[Example, ...]
    clients: int
    ports: tuple[str, ...]

    def told(self, judged: Judged, rows: pl.DataFrame, first: int | None = None) -> dict[str, Any]:
        """Return what a ``Finding`` says of them and of all rows; ``first`` if it is not theirs."""
        return {
            "examples": self.examples,
            "clients_at_least": self.clients,
            "first_seen": first_of(rows) if first is None else first,
            "gateways": gateways_of(judged, rows),
        }


def witnesses_among(kept: pl.DataFrame) -> Witnesses:
    """Return what some of ``Judged.evidence`` say."""
    order = ("rank", "start", "request_id", "line")
    columns = (*order, "source", "client", "downstream_local_address")
    rows = kept[list(columns)].to_dicts()
    rows.sort(key=lambda row: [(row[name] is None, row[name]) for name in order])
    ports = (_PORT.search(row["downstream_local_address"] or "") for row in rows)
    return Witnesses(
        tuple(Example(row["source"], row["line"], row["request_id"]) for row in rows[:_EXAMPLES]),
        len({row["client"] for row in rows} - {None}),
        tuple(sorted({port[1] for port in ports if port})),
    )


_PORT = re.compile(r":(\d+)\Z")


def gateways_of(judged: Judged, rows: pl.DataFrame) -> tuple[int, int]:
    """Return how many gateways these rows are of, and how many there are."""
    return len(names_in(rows, "gateway")), judged.gateways


def names_in(rows: pl.DataFrame, column: str) -> set[str]:
    """Return the names in a column, without missing ones."""
    return set(rows[column]) - {None}


def path_groups(paths: pl.DataFrame) -> list[str]:
    """Return the path groups of some rows, in their order."""
    return paths["path_group"].drop_nulls().unique(maintain_order=True).to_list()


def most_frequent(rows: pl.DataFrame, column: str) -> list[Any]:
    """Return the values of a column, those of most requests first; of equals the first in order."""
    counted = rows.group_by(column).agg(pl.col("requests").sum())
    return counted.sort(-pl.col("requests"), column)[column].to_list()


def unrouted_rows(judged: Judged, host: str) -> tuple[pl.DataFrame, Witnesses]:
    """Return the rows of a host's requests without a route, and what their examples say."""
    of_host = judged.requests_of(host)
    kept = judged.unrouted_evidence.of(host=host)
    return of_host.filter(of_host["unrouted"]), witnesses_among(kept)


def is_host(host: str | None) -> pl.Expr:
    """Tell the rows of a host, which may be missing."""
    return pl.col("host").eq_missing(pl.lit(host, pl.String))


def sum_of(rows: pl.DataFrame, column: str = "requests") -> int:
    """Return the sum of a column of counts."""
    return int(rows[column].sum())


def first_of(rows: pl.DataFrame, column: str = "first") -> int | None:
    """Return the earliest of some times, null without any."""
    return whole(rows[column].min())


def last_of(rows: pl.DataFrame, column: str = "last") -> int | None:
    """Return the latest of some times, null without any."""
    return whole(rows[column].max())


_LAST_OF_HTTP, _CODES_NAMED = 599, 3


def codes_of(rows: pl.DataFrame) -> str:
    """Return what codes some rows have: a class of them, those that HTTP does not have, or both."""
    found = sorted(set(rows["response_code"]) - {None})
    unheard_of = [code for code in found if code > _LAST_OF_HTTP]
    known = [code for code in found if code <= _LAST_OF_HTTP]
    classes = [f"{hundreds}xx" for hundreds in sorted({code // 100 for code in known if code})]
    words = [str(known[0])] if len(known) == 1 and known[0] else classes
    words += map(str, unheard_of[:_CODES_NAMED])
    if len(unheard_of) > _CODES_NAMED:
        words.append("more")
    return listing(words) or "nothing"


_REASONS = ("connection_termination_details", "upstream_transport_failure_reason")
_LONGEST_REASON = 200
_ADDRESS = re.compile(r"\|remote[_ ]address:.*\Z")


def proof_of(rows: pl.DataFrame, kept: pl.DataFrame | None = None) -> str:
    """Return the most frequent code, flags and details of some rows, as logged.

    Examples that were kept say too why a connection ended or was not made.
    """
    counted: Counter[tuple[object, ...]] = Counter()
    columns = ("response_code", "response_flags", "response_code_details")
    for *values, n in zip(*(rows[name].to_list() for name in (*columns, "requests")), strict=True):
        counted[tuple(values)] += n
    best = _commonest(counted)
    said = " ".join(str(value) for value in best if value is not None)
    return "; ".join([said, *(_reasons_of(kept, said) if kept is not None else [])])


def _commonest(counted: Counter[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return what was counted most often; of several the first in order, missing values first."""
    order = {key: [(value is not None, value) for value in key] for key in counted}
    return min(counted, key=lambda key: (-counted[key], order[key]))


def _reasons_of(kept: pl.DataFrame, said: str) -> Iterator[str]:
    """Yield the most frequent reasons of examples that the details do not repeat."""
    for name in _REASONS:
        # Newer releases add the address, which is not the same for all.
        reasons = Counter(
            (_ADDRESS.sub("", reason, count=1)[:_LONGEST_REASON],)
            for reason in kept[name]
            if reason is not None
        )
        if reasons and (found := _commonest(reasons)[0]).replace(" ", "_") not in said:
            yield f"{name} {found}"


_NAMES_SHOWN = 3


def listed(names: list[str]) -> str:
    """Return the first few names, and how many more there are."""
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
