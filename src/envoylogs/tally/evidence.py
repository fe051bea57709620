"""A few examples behind each failure: who, what, where in the log.

By failure the examples of the clients with the smallest rank are kept, one a
client. The rank is a fixed mix of the record's own start time and sizes, so
the choice does not depend on the order or the cut of the log, and a client
can't choose it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs.envoy.distinct import compact, numbered
from envoylogs.envoy.paths import MAX_TEXT, masked_query
from envoylogs.envoy.traffic import client_of_record
from envoylogs.reading.decoded_block import KEY
from envoylogs.tally.counting import TIME
from envoylogs.tally.folding.names_apart import kept_apart
from envoylogs.tally.state import Samples
from envoylogs.tally.subjects import (
    SUBJECT_KEYS,
    SUBJECT_NAMES,
    is_of_connection,
    subject_columns,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.grouping.numbering import Table
    from envoylogs.keyed.batches import Batch
    from envoylogs.keyed.keyed_records import KeyedRecords
    from envoylogs.tally.spec import TallySpec

EVIDENCE_KEYS = ("outcome", "failure", *SUBJECT_KEYS)
"""What a failure is known by."""

_TEXTS = ("client", "method", "path", "requested_server_name", "route_name", "response_flags",
          "response_code_details", "connection_termination_details",
          "upstream_transport_failure_reason", "upstream_host", "downstream_local_address",
          "gateway", "request_id", "source")  # fmt: skip
# The others are names that counts have too, and are cut where those are.
_CUT = ("client", "path", "response_code_details", "connection_termination_details",
        "upstream_transport_failure_reason", "request_id", "source")  # fmt: skip
_UNUSED = ("user_agent", "upstream_local_address", "container", "namespace")
# Some thousand records are looked at in the time of some.
_WAITING = 1024
# To look at as many takes less than to tell which of them to look at.
_FEW = 4096
_INTEGERS = ("response_code", "duration_ms", "start", "line")

# The constants of SplitMix64 (Steele, Lea, Flood 2014), whose steps the rank is made of.
_GAMMA, _MIX, _SHIFT = (
    pl.Series([factor], dtype=pl.UInt64)
    for factor in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 1 << 30)
)


class FailureEvidence(Samples):
    """Up to ``evidence_clients`` records behind each failure."""

    COLUMNS: ClassVar[dict[str, pl.DataType]] = {
        **dict.fromkeys(EVIDENCE_KEYS, pl.String()),
        "rank": pl.Int64(),
        **dict.fromkeys(_TEXTS, pl.String()),
        **dict.fromkeys(_INTEGERS, pl.Int64()),
    }

    @classmethod
    def columns(cls, spec: TallySpec) -> dict[str, pl.DataType]:
        """Return the keys of the failure, then the record."""
        return cls.COLUMNS

    @classmethod
    def names(cls, spec: TallySpec) -> Mapping[str, str]:
        """Return what a failure is known by; the record itself stays as it was."""
        return SUBJECT_NAMES

    @classmethod
    def most_rows(cls, spec: TallySpec) -> int:
        """Return a smaller limit than that of counts, since rows are long."""
        return spec.max_names

    @classmethod
    def beside(cls, batch: Batch, spec: TallySpec) -> Self | None:
        """Return the examples of one batch."""
        if batch.selected is None:
            return None
        failed = batch.selected.filter(batch.selected.of_keys(may_be_examples()))
        return cls.of_failed(_plain(_promising(failed, spec)), spec) if failed.height else None

    @classmethod
    def of_failed(cls, records: pl.DataFrame, spec: TallySpec) -> Self:
        """Return the examples among records that failed, in plain columns."""
        keys, values = subject_columns(is_of_connection())
        apart = kept_apart(records)
        path = pl.col("path") if spec.show_query else masked_query(pl.col("path"))
        found = (
            apart.lazy()
            .with_columns(ranks_of(apart))
            .with_columns(**keys, **values, client=client_of_record())
            .with_columns(path, start=TIME)
            .with_columns(pl.col(name).str.head(MAX_TEXT) for name in _CUT)
        )
        return cls(compact(cls._best(found.select(*cls.COLUMNS), spec).collect()), spec)

    @classmethod
    def reduced(cls, frame: pl.DataFrame, spec: TallySpec) -> pl.DataFrame:
        """Return the records of the clients with the smallest ranks."""
        return frame if frame.is_empty() else cls._best(frame.lazy(), spec).collect()

    @classmethod
    def _best(cls, records: pl.LazyFrame, spec: TallySpec) -> pl.LazyFrame:
        # What a record says comes before where it stands, so that the choice is the same however
        # the log is cut into files.
        order = [name for name in cls.COLUMNS if name not in {"rank", "source", "line"}]
        best = records.sort("rank", *order, "source", "line", nulls_last=True).unique(
            (*EVIDENCE_KEYS, "client"), keep="first", maintain_order=True
        )
        place = pl.int_range(pl.len()).over(EVIDENCE_KEYS)
        return best.filter(place < spec.evidence_clients)


class EvidenceSoFar:
    """The examples of batch after batch.

    Where a failure has examples of as many clients as are kept, a record with a larger rank than
    all of these becomes none, and is told before anything else of it is looked at.

    Args:
        spec: What is remembered.
    """

    def __init__(self, spec: TallySpec) -> None:
        self._spec = spec
        self._found = FailureEvidence.empty(spec)
        self._waiting: list[pl.DataFrame] = []
        self._last: pl.Series | None = None
        self._table: Table | None = None

    def add(self, records: KeyedRecords) -> None:
        """Take the records of one more batch."""
        # The more there are, the less others change of them.
        enough = max(_WAITING, 2 * self._found.frame.height)
        if sum(frame.height for frame in self._waiting) > enough:
            self._learn(records)
        promising = self._promising(records)
        if promising.height:
            self._waiting.append(compact(_plain(promising)))

    def take(self, other: EvidenceSoFar) -> None:
        """Add the examples of other batches, which are used up."""
        self._waiting += other._waiting
        self._found = self._found.merge(other._found)

    def total(self) -> FailureEvidence:
        """Return the examples of all batches so far."""
        if self._waiting:
            waiting, self._waiting = pl.concat(self._waiting, how="diagonal"), []
            self._found = self._found.merge(FailureEvidence.of_failed(waiting, self._spec))
        return self._found

    def _promising(self, records: KeyedRecords) -> KeyedRecords:
        """Return the records that may be among the examples in the end."""
        failed = replace(records, rows=records.rows[records.of_keys(may_be_examples()).arg_true()])
        return _promising(self._not_late(failed), self._spec)

    def _not_late(self, failed: KeyedRecords) -> KeyedRecords:
        """Return records without those whose rank alone tells that they become no examples."""
        if self._last is None or failed.table is None or failed.table is not self._table:
            return failed
        last = self._last.extend_constant(None, max(0, failed.keys.height - self._last.len()))
        # Of connections an address is a part of what failed, so others say nothing of theirs.
        has_address = (
            failed.of_keys(is_of_connection()) & failed.rows["upstream_host"].is_not_null()
        )
        is_late = ranks_of(failed.rows) > last[failed.rows[KEY]]
        return failed.filter(has_address | ~is_late.fill_null(value=False))

    def _learn(self, records: KeyedRecords) -> None:
        """Learn from what was found which ranks are too large, for each key."""
        keys, _ = subject_columns(is_of_connection())
        failure = [name for name in EVIDENCE_KEYS if name != "address"]
        full = (
            self.total()
            .frame.filter(pl.col("address").is_null())
            .group_by(failure)
            .agg(pl.len(), last=pl.col("rank").max())
            .filter(pl.col("len") >= self._spec.evidence_clients)
        )
        of_keys = records.keys.select("outcome", "failure", **keys)
        joined = of_keys.join(full, on=failure, how="left", nulls_equal=True, maintain_order="left")
        self._last, self._table = joined["last"], records.table


def may_be_examples() -> pl.Expr:
    """Tell the keys whose records may be examples."""
    return pl.col("failure").is_not_null() & (pl.col("kind") != "own").fill_null(value=False)


def _plain(records: KeyedRecords) -> pl.DataFrame:
    """Return what examples are made of, in plain columns."""
    # What is seldom asked is looked at here for the first time.
    return records.frame(name for name in records.columns if name not in _UNUSED)


def _promising(failed: KeyedRecords, spec: TallySpec) -> KeyedRecords:
    """Return the records that may be kept: most are out of it by the ranks of others.

    A failure is known by a number here, which is worked out once for each key.
    """
    if failed.height <= _FEW:
        return failed
    keys, values = subject_columns(pl.col("is_connection"))
    _, number = numbered(failed.keys.select("outcome", "failure", **keys))
    of_keys = failed.keys.select(is_of_connection(), failure=number)[failed.rows[KEY]]
    clients = failed.frame(("downstream_remote_address", "x_forwarded_for", "upstream_host"))
    is_promising = (
        clients.lazy()
        .select(client_of_record().alias("client"), "upstream_host")
        .with_columns(is_connection=of_keys["kind"], failure=of_keys["failure"])
        .with_columns(**values, rank=ranks_of(failed.rows))
        .with_columns(best=pl.col("rank").min().over("failure", "address", "client"))
        .select(
            pl.col("rank")
            <= pl.col("best")
            .unique()
            .bottom_k(spec.evidence_clients)
            .max()
            .over("failure", "address")
        )
        .collect()
        .to_series()
    )
    return failed.filter(is_promising)


def ranks_of(records: pl.DataFrame) -> pl.Series:
    """Return numbers that order records as if by chance, the same on every machine.

    Args:
        records: With ``start_time``, ``bytes_sent`` and ``duration_ms``.
    """
    values = records.select(TIME, "bytes_sent", "duration_ms").fill_null(0)
    # Step by step: as one expression each step would stand twice in the next one.
    mixed = pl.repeat(0, records.height, dtype=pl.UInt64, eager=True)
    for value in values.cast(pl.Int64):
        mixed = (mixed ^ value.reinterpret(signed=False)) * _GAMMA
        mixed = (mixed ^ (mixed // _SHIFT)) * _MIX
    return (mixed // 2).cast(pl.Int64).alias("rank")
