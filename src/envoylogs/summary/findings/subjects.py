"""Whom a failure is told of: a service, a host, an address, a TLS server name, or strangers.

What a service does wrong is told of its cluster, over all hosts that are routed
there; what the gateway does of the host that was asked for, since a policy or a
route is of a host. Hosts that were never routed are told of together, since
strangers choose them, unless so many clients ask for one that it looks meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.clusters import NAMELESS, service_label
from envoylogs.envoy.failures.lookup import OF_SERVICES
from envoylogs.envoy.traffic import looks_like_address
from envoylogs.summary.findings.conditions import all_of, any_of, equals, is_none_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.summary.judged import Judged

STRANGERS, EVERYBODY = "strangers", "everybody"
SUBJECT = ("kind", "about", "name")
"""The columns of a subject: ``kind`` of the records; ``about`` is ``cluster``, ``host``,
``address``, ``server_name`` or ``strangers``; ``name`` may be missing."""

_COLUMNS = {
    "cluster": "upstream_cluster",
    "host": "host",
    "address": "address",
    "server_name": "server_name",
}
"""Where the names of subjects stand in rows ``with_subject``, whatever these are told of."""

COLUMNS_OF_SUBJECTS = tuple(_COLUMNS.values())

_MEANT_REQUESTS, _MEANT_CLIENTS = 20, 3


class Subject(NamedTuple):
    """Whom a failure is told of."""

    kind: str
    about: str
    name: str | None

    @property
    def label(self) -> str:
        """Return it as people call it."""
        if self.about == STRANGERS:
            return "hosts that this gateway never routed"
        if self.name is not None:
            return service_label(self.name) if self.about == "cluster" else self.name
        return {
            "host": "an unnamed service",
            "server_name": "clients without a TLS server name",
        }.get(self.about, "an unknown address")

    def where(self, believed: Sequence[str | None]) -> str:
        """Return the records of it as a condition in SQL."""
        kind = equals("kind", self.kind)
        if self.about == STRANGERS:
            return all_of(
                kind, is_none_of("host", believed) if believed else any_of("host IS NULL", "TRUE")
            )
        logged = {"address": "upstream_host", "server_name": "requested_server_name"}
        column = logged.get(self.about, _COLUMNS[self.about])
        return all_of(kind, equals(column, self.name))

    @property
    def place(self) -> dict[str, object]:
        """The values by which ``Parts`` of rows ``with_subject`` find it.

        That is all of it, also what went well.
        """
        if self.about == STRANGERS:
            return {"kind": self.kind, "believed": False}
        return {"kind": self.kind, _COLUMNS[self.about]: self.name}


def believed_hosts(judged: Judged) -> list[str | None]:
    """Return the hosts that failures are told of by name.

    Those that are known, and others that so many clients ask for that they
    look meant; all of them where nothing was routed at all, since then the log
    has nobody else.
    """
    requests = judged.requests
    if judged.known_hosts.is_empty():
        return requests["host"].unique().sort(nulls_last=True).to_list()
    clients = (
        judged.evidence.lazy()
        .filter(pl.col("authority").is_not_null())
        .group_by("host")
        .agg(pl.col("client").n_unique().alias("clients"))
    )
    meant = (
        requests.lazy()
        .filter(~pl.col("known") & ~pl.col("unrouted") & pl.col("host").is_not_null())
        .filter(~looks_like_address(pl.col("host")))
        .group_by("host")
        .agg(pl.col("requests").sum())
        .join(clients, on="host", how="left")
        .filter(
            (pl.col("requests") >= _MEANT_REQUESTS)
            & (pl.col("clients").fill_null(0) >= _MEANT_CLIENTS)
        )
        .collect()
    )
    return sorted({*judged.known_hosts, *meant["host"]})


def with_subject(rows: pl.LazyFrame, believed: Sequence[str | None]) -> pl.LazyFrame:
    """Return rows with the columns of ``SUBJECT``, and ``believed``: whether the host is one.

    Args:
        rows: With ``kind``, ``failure``, ``host``, ``server_name``, ``upstream_cluster`` and
            ``address``.
        believed: See ``believed_hosts``.
    """
    cluster, host = pl.col("upstream_cluster"), pl.col("host")
    connection = pl.col("kind") == "connection"
    is_believed = host.is_in(pl.Series(believed, dtype=pl.String).implode(), nulls_equal=True)
    # What goes to a cluster that stands for any service is told of the host or address.
    named = cluster.is_not_null() & ~cluster.is_in(NAMELESS)
    of_service = pl.col("failure").is_in(OF_SERVICES) & named
    about = (
        pl.when(connection & (pl.col("failure") == "name_refused"))
        .then(pl.lit("server_name"))
        .when(connection & named)
        .then(pl.lit("cluster"))
        .when(connection & pl.col("address").is_not_null())
        .then(pl.lit("address"))
        .when(connection)
        .then(pl.lit("server_name"))
        .when(of_service)
        .then(pl.lit("cluster"))
        .when("believed")
        .then(pl.lit("host"))
        .otherwise(pl.lit(STRANGERS))
        .alias("about")
    )
    name = pl.coalesce(
        pl.when(pl.col("about") == told).then(column) for told, column in _COLUMNS.items()
    ).alias("name")
    return rows.with_columns(is_believed.alias("believed")).with_columns(about).with_columns(name)


def of_each_subject(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return rows ``with_subject``, each once for every subject that it belongs to.

    ``about`` and ``name`` say to which; ``failed_as`` is the ``failure`` where it is told of that
    subject. Besides all rows of a kind belong to ``everybody``, of which the failures of strangers
    are told.
    """

    def of(about: str, name: pl.Expr, told: str) -> pl.LazyFrame:
        failed_as = pl.when(pl.col("about") == told).then("failure")
        return rows.with_columns(
            failed_as.alias("failed_as"), pl.lit(about).alias("about"), name.alias("name")
        )

    nameless = pl.lit(None, pl.String)
    return pl.concat(
        [
            *(of(about, pl.col(column), about) for about, column in _COLUMNS.items()),
            of(STRANGERS, nameless, STRANGERS).filter(~pl.col("believed")),
            of(EVERYBODY, nameless, STRANGERS),
        ]
    )
