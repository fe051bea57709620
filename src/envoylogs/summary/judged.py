"""What all tables start from: the tallied rows, with what they mean beside them.

A host is *known* when this log routed a request for it; a TLS server name is
known when it is a known host or a connection with it was accepted. Unrouted
traffic of unknown names is *noise*: strangers choose those names.
"""

from __future__ import annotations

from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.distinct import with_columns_by
from envoylogs.envoy.outcomes import UNROUTED, harm_of_record, is_error, is_routed
from envoylogs.envoy.traffic import host_of
from envoylogs.tally.folding.marks import FOLDED_KNOWN
from envoylogs.tally.folding.names_apart import is_folded
from envoylogs.tally.latency import OF_GROUPS
from envoylogs.tally.traffic import conditions_counted, connections_counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envoylogs.tally.ladder import Buckets
    from envoylogs.tally.tally import Tally


_OFTEN = 8
"""From so many questions on it is quicker to put all rows in order than to fetch those of each."""


class Parts:
    """A frame that is asked for the rows of many names; none goes through all of them."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows
        self._by: dict[tuple[str, ...], _ByKey] = {}

    def of(self, **values: object) -> pl.DataFrame:
        """Return the rows in which columns have these values, which may be missing."""
        columns = tuple(values)
        if columns not in self._by:
            self._by[columns] = _ByKey(self.rows, columns)
        return self._by[columns].of(tuple(values.values()))


class _ByKey:
    """The rows of a frame by the values of some columns."""

    def __init__(self, rows: pl.DataFrame, columns: tuple[str, ...]) -> None:
        by_key = (
            rows.lazy()
            .select(columns)
            .with_row_index("place")
            .group_by(columns)
            .agg("place", pl.len().alias("rows"))
            .collect()
        )
        self._rows, self._places = rows, by_key["place"]
        ends = list(accumulate(by_key["rows"]))
        parts = zip([0, *ends], ends, strict=False)
        keys = by_key[list(columns)].iter_rows()
        self._parts = {
            key: (n, *part) for n, (key, part) in enumerate(zip(keys, parts, strict=True))
        }
        self._asked = 0
        self._in_order: pl.DataFrame | None = None

    def of(self, key: tuple[object, ...]) -> pl.DataFrame:
        """Return the rows of a key in their order."""
        if key not in self._parts:
            return self._rows.clear()
        number, begin, end = self._parts[key]
        self._asked += 1
        if self._in_order is None and self._asked >= _OFTEN:
            self._in_order = self._rows[self._places.explode()]
        if self._in_order is None:
            places: pl.Series = self._places[number]
            return self._rows[places]
        return self._in_order.slice(begin, end - begin)


class Judged:
    """What a tally says, as the tables need it; each part is made when it is asked for, once.

    Attributes:
        tally: What is remembered of the log.
        buckets: Of time, as they were asked for; null for those that the tally has.

    Args:
        tally: As above.
        buckets: As above.
        lists: Tells the hosts that the configuration given lists; null without one.
    """

    def __init__(
        self,
        tally: Tally,
        buckets: Buckets | None = None,
        lists: Callable[[str], bool] | None = None,
    ) -> None:
        self.tally, self.buckets, self._lists = tally, buckets, lists

    @cached_property
    def requests(self) -> pl.DataFrame:
        """Requests, as ``TrafficCounts`` has them, and what they mean.

        That is ``host`` (authority without port), ``error``, ``routed``, ``unrouted``, ``harm``
        (see ``Harm``), ``known`` (the host) and ``noise``.
        """
        known = is_known(pl.col("host"), self.named_hosts)
        return (
            with_host(self._of_kind("request").collect())
            .lazy()
            .with_columns(
                is_error().alias("error"),
                is_routed().alias("routed"),
                pl.col("outcome").is_in(UNROUTED).alias("unrouted"),
                harm_of_record().alias("harm"),
            )
            .with_columns(known.alias("known"))
            .with_columns((pl.col("unrouted") & ~pl.col("known")).alias("noise"))
            .collect()
        )

    @cached_property
    def connections(self) -> pl.DataFrame:
        """Connections, with ``harm``, ``known`` (the server name) and ``noise``."""
        known = is_known(pl.col("requested_server_name").str.to_lowercase(), self.known_names)
        refused = pl.col("outcome") == "no_filter_chain"
        return (
            self._of_kind("connection")
            .with_columns(harm_of_record().alias("harm"), known.alias("known"))
            .with_columns(
                (refused & ~pl.col("known") & (~refused.all() | self._any_served)).alias("noise")
            )
            .collect()
        )

    @cached_property
    def everything(self) -> pl.DataFrame:
        """Requests and connections; what only one of them has is null in the others."""
        return pl.concat([self.requests, self.connections], how="diagonal")

    @cached_property
    def counts(self) -> pl.DataFrame:
        """The same, with what tables add up, see ``traffic.conditions_counted``."""
        return self.everything.with_columns(
            pl.when(condition).then("requests").otherwise(0).alias(name)
            for name, condition in (conditions_counted() | connections_counted()).items()
        )

    @cached_property
    def counts_of(self) -> Mapping[str, pl.DataFrame]:
        """The same by kind, requests and connections."""
        return {
            kind: self.counts.filter(pl.col("kind") == kind) for kind in ("request", "connection")
        }

    @cached_property
    def own_traffic(self) -> int:
        """Records of the gateway's own traffic."""
        return int(self._of_kind("own").select(pl.col("requests").sum()).collect().item())

    def requests_of(self, host: str | None) -> pl.DataFrame:
        """Return the rows of the requests for a host, which may be missing."""
        return self._requests.of(host=host)

    @cached_property
    def _requests(self) -> Parts:
        return Parts(self.requests)

    @cached_property
    def evidence(self) -> pl.DataFrame:
        """The examples that were kept of failures, see ``FailureEvidence``, with ``host``."""
        return with_host(self.tally.evidence.frame)

    @cached_property
    def timeline(self) -> pl.DataFrame:
        """Records by time, see ``TimelineCounts``, with ``host``."""
        return with_host(self.tally.timeline.frame)

    @cached_property
    def width_s(self) -> int | None:
        """The width of the buckets of the timeline, as it is shown; null for an empty log."""
        held = whole(self.tally.timeline.frame["width_s"].max())
        if held is None or self.buckets is None:
            return held
        return self.buckets.made_of(held).width_s

    @property
    def bucket(self) -> pl.Expr:
        """The start of the bucket that ``start`` of the timeline is in, as it is shown."""
        start = pl.col("start")
        if self.buckets is None or self.width_s is None:
            return start
        return self.buckets._replace(width_s=self.width_s).starts(start).alias("start")

    @cached_property
    def paths(self) -> pl.DataFrame:
        """The paths of hosts, see ``PathCounts``, with ``host``."""
        return with_host(self.tally.paths.frame)

    def latency_by_trait(self, measure: str, trait: str) -> pl.DataFrame:
        """Return durations by a trait, see ``LatencyByTrait``, the shortest first."""
        return self._latency_by_trait.of(measure=measure, trait=trait)

    @cached_property
    def _latency_by_trait(self) -> Parts:
        return Parts(self.tally.latency_by_trait.frame.sort("value_ms"))

    @cached_property
    def latency(self) -> Mapping[str, pl.DataFrame]:
        """Durations by ``schema.GROUP_KEYS``, with ``host``, the shortest first; by measure."""
        rows = with_host(self.tally.latency_by_group.frame)
        return {
            measure: rows.filter(pl.col("measure") == measure).sort("value_ms")
            for measure in OF_GROUPS
        }

    @cached_property
    def unrouted_evidence(self) -> Parts:
        """The examples of requests without a route, asked by ``host``."""
        return Parts(self.evidence.filter(pl.col("outcome").is_in(UNROUTED)))

    @cached_property
    def known_hosts(self) -> pl.Series:
        """Hosts that this log routed a request for, without those that were folded."""
        return self._names.filter(pl.col("name_kind") == "host")["name"].sort()

    @cached_property
    def named_hosts(self) -> pl.Series:
        """These, and the hosts of this log that the configuration given lists."""
        if self._lists is None:
            return self.known_hosts
        authorities = self.tally.traffic.frame.select(host_of(pl.col("authority"))).to_series()
        asked = authorities.drop_nulls().unique()
        listed = pl.Series("name", [host for host in asked if self._lists(host)], pl.String)
        return pl.concat([self.known_hosts, listed]).unique().sort()

    @cached_property
    def known_names(self) -> pl.Series:
        """These, and TLS server names with which connections were accepted."""
        return self._names["name"].unique().sort()

    @cached_property
    def _names(self) -> pl.DataFrame:
        return self.tally.known_names.frame.filter(~is_folded("name"))

    @cached_property
    def _any_served(self) -> bool:
        """Whether there may be anything in the log but connections that were refused."""
        return bool(
            self.tally.spec.selection is not None
            or self.tally.known_names.frame.height
            or self.requests.height
        )

    @property
    def only_refused(self) -> bool:
        """Whether all there is in the log are connections that were refused."""
        # Where nothing was ever accepted, refused connections are what the log is about.
        refused = self.connections["outcome"] == "no_filter_chain"
        return not self._any_served and bool(refused.all())

    @cached_property
    def gateways(self) -> int:
        """How many gateways wrote the log."""
        return self.everything["gateway"].drop_nulls().n_unique()

    @cached_property
    def first(self) -> int | None:
        """Microseconds since 1970 of the first record, null without times."""
        return whole(self.tally.traffic.frame["first"].min())

    @cached_property
    def last(self) -> int | None:
        """The same of the last."""
        return whole(self.tally.traffic.frame["last"].max())

    @cached_property
    def total(self) -> int:
        """All requests."""
        return int(self.requests["requests"].sum())

    def _of_kind(self, kind: str) -> pl.LazyFrame:
        return self.tally.traffic.frame.lazy().filter(pl.col("kind") == kind)


def with_host(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows of a state that has authorities with ``host``: each without its port."""
    return with_columns_by(frame, "authority", [host_of(pl.col("authority")).alias("host")])


def is_known(name: pl.Expr, known: pl.Series) -> pl.Expr:
    """Tell names that are among some known ones, or stand for known ones that were folded."""
    return (name.is_in(known.implode()) | (name == FOLDED_KNOWN)).fill_null(value=False)


def whole(value: object) -> int | None:
    """Return the whole number that an aggregate is; null where its column has no values."""
    return value if isinstance(value, int) else None
