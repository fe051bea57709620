"""What all tables start from: the tallied rows, with what they mean beside them.

A host is *known* when this log routed a request for it; a TLS server name is
known when it is a known host or a connection with it was accepted. Unrouted
traffic of unknown names is *noise*: strangers choose those names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.outcomes import UNROUTED, harm_of_record, is_error, is_routed
from envoylogs.envoy.traffic import host_of
from envoylogs.tally.folding.marks import FOLDED_KNOWN
from envoylogs.tally.folding.names_apart import is_folded

if TYPE_CHECKING:
    from envoylogs.tally.tally import Tally

__all__ = ["Facts", "facts_of", "is_known"]


@dataclass(frozen=True, slots=True)
class Facts:
    """Rows of ``TrafficCounts`` by kind, and the names that are known.

    Attributes:
        tally: What they are made of.
        requests: Requests, with ``host`` (authority without port), ``error``,
            ``routed``, ``unrouted``, ``harm`` (see ``Harm``), ``known`` (the host) and ``noise``.
        connections: Connections, with ``harm``, ``known`` (the server name) and ``noise``.
        own: The gateway's own traffic.
        known_hosts: Hosts that this log routed a request for, without those that were folded.
        known_names: These, and TLS server names with which connections were accepted.
        only_refused: Whether all there is in the log are connections that were refused.
        first: Microseconds since 1970 of the first record, null without times.
        last: The same of the last.
    """

    tally: Tally
    requests: pl.DataFrame
    connections: pl.DataFrame
    own: pl.DataFrame
    known_hosts: pl.Series
    known_names: pl.Series
    only_refused: bool
    first: int | None
    last: int | None

    @property
    def host_of_authority(self) -> pl.Expr:
        """The column ``host``, for states that have authorities."""
        return host_of(pl.col("authority")).alias("host")

    @property
    def total(self) -> int:
        """All requests."""
        return int(self.requests["requests"].sum())

    @property
    def noise(self) -> int:
        """Requests that are noise."""
        return int(self.requests.filter("noise")["requests"].sum())


def facts_of(tally: Tally) -> Facts:
    """Return what a tally says, as the tables need it."""
    traffic = tally.traffic.frame
    requests = traffic.filter(pl.col("kind") == "request").with_columns(
        host_of(pl.col("authority")).alias("host"),
        is_error().alias("error"),
        is_routed().alias("routed"),
        pl.col("outcome").is_in(UNROUTED).alias("unrouted"),
        harm_of_record().alias("harm"),
    )
    connections = traffic.filter(pl.col("kind") == "connection").with_columns(
        harm_of_record().alias("harm")
    )
    names = tally.known_names.frame
    named = names.filter(~is_folded("name"))
    known_hosts = named.filter(pl.col("name_kind") == "host")["name"].sort()
    known = is_known(pl.col("host"), known_hosts)
    known_name = is_known(pl.col("requested_server_name").str.to_lowercase(), named["name"])
    # Where nothing was ever accepted, refused connections are what the log is about.
    only_refused = (
        tally.spec.selection is None
        and names.is_empty()
        and requests.is_empty()
        and bool((connections["outcome"] == "no_filter_chain").all())
    )
    return Facts(
        tally=tally,
        requests=requests.with_columns(
            known.alias("known"), (pl.col("unrouted") & ~known).alias("noise")
        ),
        connections=connections.with_columns(
            known_name.alias("known"),
            (
                (pl.col("outcome") == "no_filter_chain") & ~known_name & pl.lit(not only_refused)
            ).alias("noise"),
        ),
        own=traffic.filter(pl.col("kind") == "own"),
        known_hosts=known_hosts,
        known_names=named["name"].unique().sort(),
        only_refused=only_refused,
        first=_whole(traffic["first"].min()),
        last=_whole(traffic["last"].max()),
    )


def is_known(name: pl.Expr, known: pl.Series) -> pl.Expr:
    """Tell names that are among some known ones, or stand for known ones that were folded."""
    return (name.is_in(known.implode()) | (name == FOLDED_KNOWN)).fill_null(value=False)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
