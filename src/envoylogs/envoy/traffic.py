"""What kind of traffic a record is, the names in it, and the columns that are made of these.

Ports 15021 (health) and 15090 (scrape) and the clusters ``agent`` and
``prometheus_stats`` are the gateway's own; a request mirrored before Istio
1.28 carries ``-shadow`` at the end of its host.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs import schema
from envoylogs.envoy.clusters import OWN_CLUSTERS
from envoylogs.envoy.outcome_rules import CONNECTION_COLUMNS, is_connection
from envoylogs.envoy.outcomes import UNROUTED, is_error, is_refused
from envoylogs.envoy.paths import path_group

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = ("request", "connection", "own")

# RFC 9110, WebDAV, and what caches know; clients may send any other word.
KNOWN_METHODS = (
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY", "PRI",
    "PURGE", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "SEARCH", "REPORT",
)  # fmt: skip
"""Methods whose names say nothing of who sent them."""

_OWN_PORT = r":(?:15021|15090)$"


@cache
def kind_of_record() -> pl.Expr:
    """Return ``own`` (the gateway's own traffic), ``connection`` or ``request``."""
    own = pl.col("upstream_cluster").is_in(OWN_CLUSTERS) | pl.col(
        "downstream_local_address"
    ).str.contains(_OWN_PORT)
    return (
        pl.when(own)
        .then(pl.lit("own"))
        .when(is_connection())
        .then(pl.lit("connection"))
        .otherwise(pl.lit("request"))
    )


def cleaned_authority(authority: pl.Expr) -> pl.Expr:
    """Return an authority in lower case, without the ports that say nothing."""
    return authority.str.to_lowercase().str.strip_suffix(":80").str.strip_suffix(":443")


def host_of(authority: pl.Expr) -> pl.Expr:
    """Return the host of an authority: without its port; ``[::1]:8080`` gives ``[::1]``."""
    return without_port(authority)


def without_port(address: pl.Expr) -> pl.Expr:
    """Return the address of ``address:port``; an IPv6 address without brackets stays whole."""
    return address.str.replace(r"(?s)^(\[.*\]|[^:]*):\d+$", "${1}")


def client_of_record() -> pl.Expr:
    """Return the address of the client, as the gateway trusts it, without its port."""
    # The last of x_forwarded_for is what the gateway itself saw; those before it anyone can write.
    forwarded = pl.col("x_forwarded_for").str.split(",").list.last().str.strip_chars()
    return without_port(pl.coalesce("downstream_remote_address", forwarded))


def host_of_record(connection: pl.Expr | None = None) -> pl.Expr:
    """Return the host of a request, or the TLS server name of a connection, in lower case.

    Args:
        connection: Tells connections, where ``kind`` has told them before.
    """
    return (
        pl.when(is_connection() if connection is None else connection)
        .then(pl.col("requested_server_name").str.to_lowercase())
        .otherwise(host_of(pl.col("authority")))
    )


def looks_like_address(host: pl.Expr) -> pl.Expr:
    """Tell hosts that are IP addresses: nobody's name, so usually a scanner's.

    Those that were anonymized are told as well.
    """
    return host.str.contains(
        r"^(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9a-fA-F:]*:[0-9a-fA-F:.]*\]?|address-[0-9a-f]{16})$"
    )


class _Derived(NamedTuple):
    """How a column is made, and from which normalized ones."""

    expression: pl.Expr
    made_from: tuple[str, ...]


def _of_requests(condition: pl.Expr, *made_from: str) -> _Derived:
    """Return a column that tells requests: no connections, and none of the gateway's own."""
    return _Derived((pl.col("kind") == "request") & condition, ("kind", *made_from))


_DERIVED = {
    "host": _Derived(host_of_record(), ("requested_server_name", *CONNECTION_COLUMNS)),
    "client": _Derived(client_of_record(), ("downstream_remote_address", "x_forwarded_for")),
    "path_group": _Derived(path_group(pl.col("path")), ("path",)),
    "is_error": _of_requests(is_error(), "outcome", "response_code"),
    "is_unrouted": _of_requests(pl.col("outcome").is_in(UNROUTED), "outcome"),
    "is_refused": _of_requests(is_refused(), "outcome", "response_code"),
}


def column_expression(name: str) -> pl.Expr:
    """Return a column of ``schema.NORMALIZED`` or ``schema.DERIVED`` as an expression."""
    derived = _DERIVED.get(name)
    return pl.col(name) if derived is None else derived.expression.alias(name)


def columns_behind(names: Iterable[str]) -> set[str]:
    """Return the normalized columns that these columns are made from."""
    found: set[str] = set()
    for name in names:
        derived = _DERIVED.get(name)
        found |= {name} if derived is None else set(derived.made_from)
    return found & set(schema.NORMALIZED)
