"""Values that may say who somebody is, replaced by tokens of a keyed hash.

The same value has the same digits wherever it stands, so what can be joined
stays so within one key; without the key nobody can tell a value from its
token, not even by trying all addresses there are. Which parts of paths and
texts are replaced is said in ``envoy.identifying``.

Hosts are replaced as well, all of them: which ones the gateway routes is known
at the end of a log only. The names of those are kept apart, by their tokens,
for whoever counts which hosts are known (``tally.known_names``).
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.distinct import Remembered, each_once
from envoylogs.envoy.identifying import (
    HiddenPaths,
    hidden_details,
    hidden_text,
    is_plain_host,
)
from envoylogs.envoy.paths import MAX_TEXT
from envoylogs.envoy.traffic import KNOWN_METHODS, host_of, looks_like_address, without_port
from envoylogs.keyed.hidden_names import OF_OPERATORS, TEXTS, HiddenNames
from envoylogs.keyed.keyed_records import KeyedRecords
from envoylogs.keyed.patterns import COLUMN_OF

if TYPE_CHECKING:
    from collections.abc import Callable

    from envoylogs.keyed.selection import Selection
    from envoylogs.sources.source import Source

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
    "container", "gateway", "role", "outcome", "failure", "kind",
)  # fmt: skip
"""Columns of texts that operators choose, or this program."""

_NAMES = {"token": pl.String(), "name": pl.String()}

_BYTES_OF_A_TOKEN = 8
_SHADOW = "-shadow"

_METHOD = f"^(?:{'|'.join(KNOWN_METHODS)})$"
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

    records: KeyedRecords
    names: pl.DataFrame


class Anonymizer:
    """Replaces values by tokens.

    Args:
        key: Of the hash; whoever has it can try values.
        hides_names: Whether names that operators give are replaced too, those of routed hosts
            among them.
        words: Segments of paths that may be shown if they look like words; null for all such.
    """

    def __init__(
        self, key: bytes, *, hides_names: bool = False, words: frozenset[str] | None = None
    ) -> None:
        self._key, self._hides_names, self._words = key, hides_names, words
        # Longer keys than the hash takes are hashed first.
        short = key if len(key) <= blake2b.MAX_KEY_SIZE else blake2b(key).digest()
        self._hash = blake2b(key=short, digest_size=_BYTES_OF_A_TOKEN)
        self._paths = HiddenPaths(self._in_braces, words)
        self._names = HiddenNames(self.token)
        self._clients = Remembered(self._client_of)
        self._lists = Remembered(self._list_of)
        texts = partial(each_once, function=partial(hidden_text, replace=self._in_braces))
        details = partial(hidden_details, replace=self._in_braces)
        self._ways: dict[str, Callable[[pl.Series], pl.Series]] = {
            "path": self._of_paths,
            "downstream_remote_address": self._of_clients,
            "x_forwarded_for": partial(each_once, function=self._lists.__getitem__),
            "user_agent": partial(self._tokens, "agent"),
            "request_id": partial(self._tokens, "request"),
            "method": partial(self._unless, _METHOD, "method"),
            "protocol": partial(self._unless, _PROTOCOL, "protocol"),
            "response_flags": partial(self._unless, _FLAGS, "flags"),
            "response_code_details": partial(each_once, function=details),
            "connection_termination_details": texts,
            "upstream_transport_failure_reason": texts,
        }
        if hides_names:
            for name, hidden in self._names.ways.items():
                self._ways[name] = partial(each_once, function=hidden)
            for name in TEXTS:
                self._ways[name] = partial(self._without_names, self._ways[name])

    def __reduce__(self) -> tuple[Callable[[], Anonymizer], tuple[()]]:
        made = partial(Anonymizer, self._key, hides_names=self._hides_names, words=self._words)
        return made, ()

    def showing(self, words: frozenset[str]) -> Anonymizer:
        """Return one that shows these segments of paths alone, if they look like words."""
        return Anonymizer(self._key, hides_names=self._hides_names, words=words)

    @property
    def fingerprint(self) -> str:
        """What tells this key from others and gives it to nobody."""
        # A zero byte in front keeps it apart from the tokens of what logs hold.
        return self._digits("\0key, names" if self._hides_names else "\0key")

    def token(self, kind: str, value: str) -> str:
        """Return what stands for a value: its kind, and digits that depend on the value alone."""
        return f"{kind}-{self._digits(value)}"

    def anonymized(self, records: KeyedRecords) -> Anonymized:
        """Return records with what may say who somebody is replaced.

        Args:
            records: Any columns, none of them seldom asked. A value is missing afterwards if it
                was before.
        """
        (keys, of_keys), (rows, of_rows) = map(self._replaced, (records.keys, records.rows))
        return Anonymized(KeyedRecords(keys, rows), pl.concat([of_keys, of_rows]).unique())

    def _replaced(self, values: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return columns with their values replaced, and the names of the hosts in them."""
        replaced = [
            self._ways[name](values[name]).alias(name)
            for name in self._ways
            if name in values.columns
        ]
        hosts = [self._hosts(values[name]) for name in HOST_COLUMNS if name in values.columns]
        shown = [] if self._hides_names else [of_column for _, of_column in hosts]
        names = pl.concat([pl.DataFrame(schema=_NAMES), *shown])
        return values.with_columns(*replaced, *(column for column, _ in hosts)), names

    def named(self, source: Source) -> Source:
        """Return a source whose folder is a token; that of standard input stays as it is."""
        return replace(source, name=self.name_of_source(source.name))

    def name_of_source(self, name: str) -> str:
        """Return the name of a file, with a token in the place of its folder if it has one."""
        path = PurePath(name)
        folder, file = str(path.parent), path.name
        if self._hides_names and not name.startswith("<"):
            file = self.token("file", file)
        # Files of the same name in two folders stay two.
        return file if folder == "." else f"{self.token('folder', folder)}/{file}"

    def text_of(self, selection: Selection) -> str:
        """Return a selection in words, with the values that it names replaced.

        Conditions in SQL may hold anything, so they are replaced as a whole.
        """
        values = {
            "host": lambda host: self._host(host.lower()),
            "client": self._client_of,
            "path": self._paths.of,
        }
        if self._hides_names:
            values |= {word: self._names.ways[COLUMN_OF[word]] for word in OF_OPERATORS}
        patterns = tuple(
            (word, tuple(g if g == "-" else values.get(word, str)(g) for g in given))
            for word, given in selection.patterns
        )
        hidden = replace(selection, patterns=patterns, where=None).text
        if selection.where is None:
            return hidden
        condition = shlex.quote(self.token("condition", selection.where))
        return f"--where {condition} {hidden}".rstrip()

    def _without_names(
        self, replaced: Callable[[pl.Series], pl.Series], texts: pl.Series
    ) -> pl.Series:
        return replaced(each_once(texts, self._names.text))

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

    def _of_paths(self, paths: pl.Series) -> pl.Series:
        # Groups of paths are made of so much of them.
        cut = paths.str.head(MAX_TEXT)
        # Of each part there are far fewer than of both together.
        segments = cut.str.replace(r"(?s)[?#].*$", "")
        queries = cut.str.strip_prefix(segments)
        return each_once(segments, self._paths.of_segments) + each_once(
            queries, self._paths.of_query
        )

    def _of_clients(self, addresses: pl.Series) -> pl.Series:
        without_ports = addresses.to_frame().select(without_port(pl.col(addresses.name)))
        return each_once(without_ports.to_series(), self._clients.__getitem__)

    def _tokens(self, kind: str, values: pl.Series) -> pl.Series:
        """Return the token of each value; of values that are nearly all distinct."""
        hashed: list[bytes | None] = []
        for value in values.cast(pl.Binary).to_list():
            if value is None:
                hashed.append(None)
                continue
            found = self._hash.copy()
            found.update(value)
            hashed.append(found.digest())
        digits = pl.Series(values.name, hashed, dtype=pl.Binary).bin.encode("hex")
        return pl.select(pl.lit(f"{kind}-") + digits).to_series()

    def _unless(self, form: str, kind: str, values: pl.Series) -> pl.Series:
        """Return values with those replaced that have not the form which is usual."""
        is_odd = ~values.str.contains(form)
        if not is_odd.any():
            return values
        odd = values.filter(is_odd).unique()
        return values.replace(odd, pl.Series([self.token(kind, value) for value in odd]))

    def _client_of(self, address: str) -> str:
        # ``[2001:db8::1]`` without its port is the ``2001:db8::1`` of another header.
        return self.token("client", address.strip("[]"))

    def _list_of(self, addresses: str) -> str:
        """Return the addresses of a list of proxies, each as that of a client."""
        parts = (part.strip() for part in addresses.split(","))
        return ",".join(self._clients[_without_port(part)] if part else "" for part in parts)

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


def _without_port(address: str) -> str:
    """Return an address of a list without its port; see ``traffic.without_port``."""
    host, colon, port = address.rpartition(":")
    is_port = bool(colon) and port.isdecimal() and (":" not in host or host.endswith("]"))
    return host if is_port else address
