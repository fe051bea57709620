"""Values that may say who somebody is, replaced by tokens of a keyed hash.

The same value has the same digits wherever it stands, so what can be joined
stays so within one key; without the key nobody can tell a value from its
token, not even by trying all addresses there are. Which parts of paths and
texts are replaced is said in ``envoy.identifying``.

Hosts are replaced as well, all of them: which ones the gateway routes is known
at the end of a log only. The names of those are kept apart, by their tokens,
for whoever counts which hosts are known (``tally.hosts``).
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.identifying import (
    hidden_details,
    hidden_path,
    hidden_segment,
    hidden_text,
    is_plain_host,
)
from envoylogs.envoy.paths import MAX_TEXT
from envoylogs.envoy.traffic import host_of, looks_like_address, without_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from envoylogs.reading.selection import Selection
    from envoylogs.sources.source import Source

__all__ = ["HOST_COLUMNS", "KEPT_COLUMNS", "REPLACED_COLUMNS", "Anonymized", "Anonymizer"]

HOST_COLUMNS = ("authority", "requested_server_name")
"""Columns of hosts, which get their names back where they are known."""

REPLACED_COLUMNS = (
    "path", "downstream_remote_address", "x_forwarded_for", "user_agent", "request_id", "method",
    "protocol", "response_flags", "response_code_details", "connection_termination_details",
    "upstream_transport_failure_reason",
)  # fmt: skip
"""Other columns in which values are replaced, or parts of them."""

KEPT_COLUMNS = (
    "route_name", "upstream_cluster", "upstream_direction", "upstream_subset", "upstream_service",
    "upstream_host", "downstream_local_address", "upstream_local_address", "pod", "namespace",
    "container", "gateway", "role", "outcome", "kind",
)  # fmt: skip
"""Columns of texts that operators choose, or this program."""

_NAMES = {"token": pl.String(), "name": pl.String()}

_BYTES_OF_A_TOKEN = 8
_SHADOW = "-shadow"
_REMEMBERED = 100_000
"""How many segments of paths are remembered at most; the same few come again and again."""

_METHODS = frozenset(
    "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI QUERY PROPFIND PROPPATCH MKCOL COPY "
    "MOVE LOCK UNLOCK SEARCH REPORT PURGE".split()
)  # RFC 9110, WebDAV, and what caches know
_PROTOCOL = r"^HTTP/[0-9](?:\.[0-9])?$"
_FLAGS = r"^[A-Za-z]{1,40}(?:,[A-Za-z]{1,40})*$"
_LONGEST_PORT = len(":65535")


class Anonymized(NamedTuple):
    """Records that were anonymized, and the hosts in them.

    Attributes:
        records: In their order.
        names: ``token`` and ``name`` of the hosts in them that look like names;
            only those of hosts that the gateway routes are fit to be shown.
    """

    records: pl.DataFrame
    names: pl.DataFrame


class Anonymizer:
    """Replaces values by tokens.

    Args:
        key: Of the hash; whoever has it can try values.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        # Longer keys than the hash takes are hashed first.
        short = key if len(key) <= blake2b.MAX_KEY_SIZE else blake2b(key).digest()
        self._hash = blake2b(key=short, digest_size=_BYTES_OF_A_TOKEN)
        self._segments: dict[str, str] = {}

    def __reduce__(self) -> tuple[type[Anonymizer], tuple[bytes]]:
        return Anonymizer, (self._key,)

    @property
    def fingerprint(self) -> str:
        """What tells this key from others and gives it to nobody."""
        # No value of a log is hashed with a zero byte in front.
        return self._digits("\0key")

    def token(self, kind: str, value: str) -> str:
        """Return what stands for a value: its kind, and digits that depend on the value alone."""
        return f"{kind}-{self._digits(value)}"

    def anonymized(self, records: pl.DataFrame) -> Anonymized:
        """Return records with what may say who somebody is replaced.

        Args:
            records: Normalized, any columns of them. A value is missing
                afterwards if it was before.
        """
        replaced = [
            self._column(records[name]) for name in REPLACED_COLUMNS if name in records.columns
        ]
        hosts = [self._hosts(records[name]) for name in HOST_COLUMNS if name in records.columns]
        names = pl.concat([pl.DataFrame(schema=_NAMES), *(of_column for _, of_column in hosts)])
        columns = [*replaced, *(column for column, _ in hosts)]
        return Anonymized(records.with_columns(columns), names.unique())

    def named(self, source: Source) -> Source:
        """Return a source whose folder is a token; that of standard input stays as it is."""
        return replace(source, name=self.name_of_source(source.name))

    def name_of_source(self, name: str) -> str:
        """Return the name of a file, with a token in the place of its folder if it has one."""
        path = PurePath(name)
        folder = str(path.parent)
        # Files of the same name in two folders stay two.
        return name if folder == "." else f"{self.token('folder', folder)}/{path.name}"

    def text_of(self, selection: Selection) -> str:
        """Return a selection in words, with the values that it names replaced.

        Conditions in SQL may hold anything, so they are replaced as a whole.
        """
        values = {
            "host": lambda host: self._host(host.lower()),
            "client": self._client,
            "path": partial(hidden_path, replace=self._in_braces, segment_of=self._segment),
        }
        patterns = tuple(
            (word, tuple(g if g == "-" else values.get(word, str)(g) for g in given))
            for word, given in selection.patterns
        )
        hidden = replace(selection, patterns=patterns, where=None).text
        if selection.where is None:
            return hidden
        condition = shlex.quote(self.token("condition", selection.where))
        return f"--where {condition} {hidden}".rstrip()

    def _digits(self, value: str) -> str:
        # A copy is a third cheaper than a new one, which takes in the key first.
        hashed = self._hash.copy()
        hashed.update(value.encode(errors="surrogatepass"))
        return hashed.hexdigest()

    def _in_braces(self, kind: str, value: str) -> str:
        """Return what stands for a part of a path or a text."""
        if kind in {"value", "details"}:
            return self.token(kind, value)
        return f"{{{kind}:{self._digits(value)}}}"

    def _segment(self, segment: str) -> str:
        found = self._segments.get(segment)
        if found is None:
            found = hidden_segment(segment, self._in_braces)
            if len(self._segments) >= _REMEMBERED:
                self._segments.clear()
            self._segments[segment] = found
        return found

    def _column(self, values: pl.Series) -> pl.Series:
        column, named = pl.col(values.name), values.to_frame()
        match values.name:
            case "path":
                # Groups of paths are made of so much of them.
                cut = values.str.head(MAX_TEXT)
                of_path = partial(hidden_path, replace=self._in_braces, segment_of=self._segment)
                return _each(cut, of_path)
            case "downstream_remote_address":
                return _each(named.select(without_port(column)).to_series(), self._client)
            case "x_forwarded_for":
                return _each(values, self._clients)
            case "user_agent":
                return _each(values, partial(self.token, "agent"))
            case "request_id":
                return _each(values, partial(self.token, "request"))
            case "method":
                return _each(values, self._method)
            case "protocol":
                return self._unless(values, _PROTOCOL, "protocol")
            case "response_flags":
                return self._unless(values, _FLAGS, "flags")
            case "response_code_details":
                return _each(values, partial(hidden_details, replace=self._in_braces))
            case _:
                return _each(values, partial(hidden_text, replace=self._in_braces))

    def _unless(self, values: pl.Series, form: str, kind: str) -> pl.Series:
        """Return values with those replaced that have not the form which the proxy gives them."""
        if values.str.contains(form).all():
            return values
        odd = values.filter(~values.str.contains(form)).unique()
        return values.replace(odd, pl.Series([self.token(kind, value) for value in odd]))

    def _method(self, method: str) -> str:
        return method if method in _METHODS else self.token("method", method)

    def _client(self, address: str) -> str:
        # ``[2001:db8::1]`` without its port is the ``2001:db8::1`` of another header.
        return self.token("client", address.strip("[]"))

    def _clients(self, addresses: str) -> str:
        """Return the addresses of a list of proxies, each as that of a client."""
        parts = (part.strip() for part in addresses.split(","))
        return ",".join(self._client(_without_port(part)) if part else "" for part in parts)

    def _hosts(self, hosts: pl.Series) -> tuple[pl.Series, pl.DataFrame]:
        """Return a column of hosts as tokens, each with its port, and the names by token."""
        name = hosts.name
        distinct = pl.DataFrame({name: hosts.drop_nulls().unique()}).with_columns(
            port=pl.col(name).str.strip_prefix(host_of(pl.col(name)))
        )
        # So many digits are no port, and may be anything.
        is_port = pl.col("port").str.len_bytes() <= _LONGEST_PORT
        distinct = distinct.with_columns(
            pl.when(is_port).then("port").otherwise(pl.lit("")).alias("port")
        )
        host = pl.col(name).str.strip_suffix(pl.col("port")).str.to_lowercase()
        distinct = distinct.with_columns(
            host.alias("host"), looks_like_address(host).alias("is_address")
        )
        tokens = [
            self._host(host, is_address=is_address)
            for host, is_address in distinct.select("host", "is_address").iter_rows()
        ]
        distinct = distinct.with_columns(token=pl.Series(tokens, dtype=pl.String))
        is_name = pl.Series([is_plain_host(host) for host in distinct["host"]], dtype=pl.Boolean)
        names = distinct.filter(is_name).select("token", pl.col("host").alias("name"))
        shown = distinct["token"] + distinct["port"]
        return hosts.replace(distinct[name], shown), names

    def _host(self, host: str, *, is_address: bool = False) -> str:
        # Mirrored requests are told by the end of their host.
        shadow = _SHADOW if host.endswith(_SHADOW) else ""
        return self.token("address" if is_address else "host", host.removesuffix(_SHADOW)) + shadow


def _each(values: pl.Series, function: Callable[[str], str]) -> pl.Series:
    """Return a function of each value, worked out once for each if they are few."""
    distinct = values.drop_nulls().unique()
    if 2 * distinct.len() > values.len():
        found = [None if value is None else function(value) for value in values.to_list()]
        return pl.Series(values.name, found, dtype=pl.String)
    new = pl.Series([function(value) for value in distinct.to_list()], dtype=pl.String)
    return values.replace(distinct, new)


def _without_port(address: str) -> str:
    """Return an address of a list without its port; see ``traffic.without_port``."""
    host, colon, port = address.rpartition(":")
    is_port = bool(colon) and port.isdecimal() and (":" not in host or host.endswith("]"))
    return host if is_port else address
