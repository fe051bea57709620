"""The hint that a connection was reused: the TLS server name is not the host that was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.outcomes import UNROUTED
from envoylogs.summary.findings.proof import most_frequent

if TYPE_CHECKING:
    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.judged import Judged

__all__ = ["REUSE_NEXT", "unlike_names", "with_reuse_hint"]

REUSE_NEXT = (
    "HTTP/2 clients reuse the connection of another host with the same certificate and land in "
    "its route table. Put all hosts of one certificate into one server of one Gateway, or give "
    "each host a certificate of its own."
)


def unlike_names(requests: pl.DataFrame) -> pl.DataFrame:
    """Return the unrouted of some requests whose TLS server name is not their host.

    They are rows of ``Judged.requests``, with ``server_name``.
    """
    name = pl.col("requested_server_name").str.to_lowercase()
    return requests.filter(
        pl.col("outcome").is_in(UNROUTED) & (name != pl.col("host"))
    ).with_columns(name.alias("server_name"))


def with_reuse_hint(judged: Judged, found: Finding) -> Finding:
    """Return a finding about requests without a route, with the hint where it is in place.

    It is a suspicion and no proof: that the route table of the server name lacks
    the host is not in the log.
    """
    unlike = unlike_names(judged.requests.filter(pl.col("host") == found.subject))
    requests = int(unlike["requests"].sum())
    if 2 * requests < found.requests or not requests:
        return found
    name = most_frequent(unlike, "server_name")[0]
    proof = f"TLS server name {name}, authority {found.subject}"
    return replace(
        found,
        proof=f"{found.proof} {proof}." if found.proof else proof,
        next=f"Connections may be reused: they were opened for {name}. {REUSE_NEXT} Otherwise: "
        f"{found.next[:1].lower()}{found.next[1:]}",
    )
