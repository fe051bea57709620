"""What was folded to keep numbers bounded: how many records, of how many names at least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.outcomes import UNROUTED, is_error
from envoylogs.summary.judged import whole
from envoylogs.tally.counting import BYTES, LARGEST_SUM, total_of
from envoylogs.tally.duration_classes import DurationCounts
from envoylogs.tally.folding.marks import FOLDED_KNOWN
from envoylogs.tally.folding.names_apart import is_folded
from envoylogs.tally.joint import JOINT_DIGITS
from envoylogs.tally.ladder import ALL_DIGITS, WIDTHS_S, relative_error_of
from envoylogs.tally.tally import STATES

if TYPE_CHECKING:
    from envoylogs.tally.joint import JointCounts
    from envoylogs.tally.tally import Tally


@dataclass(frozen=True, slots=True)
class FoldedColumn:
    """A column whose names were too many.

    Attributes:
        requests: Records in the rows that stand for folded names, exact.
        names_at_least: How many names these had, at least.
    """

    requests: int
    names_at_least: int


@dataclass(frozen=True, slots=True)
class JointDetail:
    """How much detail joint counts have left.

    Attributes:
        width_s: Of their time buckets.
        latency_relative_error: As in ``Folds``.
        columns: Records in the rows that stand for folded names, by column;
            those in which nothing was folded are missing.
    """

    width_s: int
    latency_relative_error: float
    columns: dict[str, int]

    @property
    def has_fewer_names(self) -> bool:
        """Whether names were folded to have fewer rows, and not since a column has too many."""
        # Classes get as wide as they may before the first name goes.
        widest = relative_error_of(JOINT_DIGITS[-1])
        return bool(self.columns) and self.latency_relative_error >= widest


@dataclass(frozen=True, slots=True)
class Folds:
    """What was folded.

    Attributes:
        columns: By column; those in which nothing was folded are missing.
        latency_relative_error: How far a percentile may be from the exact one,
            as a share of it; 0 where all are exact.
        joint: What is left of joint counts; null if there are none, or all of
            them by second and millisecond.
        errors: Errors of clusters, or of hosts where no cluster is logged,
            whose names were folded; no finding is about these.
        unrouted: Unrouted requests of known hosts likewise.
        bytes_stopped: Whether a sum of bytes is as large as sums get, and may
            stand for a larger one.
    """

    columns: dict[str, FoldedColumn]
    latency_relative_error: float
    joint: JointDetail | None = None
    errors: int = 0
    unrouted: int = 0
    bytes_stopped: bool = False

    def __bool__(self) -> bool:
        return bool(self.columns or self.latency_relative_error or self.joint or self.bytes_stopped)


def folds(tally: Tally) -> Folds:
    """Return what was folded."""
    digits = [
        whole(tally.state(name).frame["digits"].min())
        for name, state in STATES.items()
        if issubclass(state, DurationCounts)
    ]
    return Folds(
        {
            column: FoldedColumn(_folded_records(tally, column), names)
            for column, names in tally.folded_names.at_least().items()
        },
        max((relative_error_of(n) for n in digits if n is not None), default=0.0),
        _joint_detail(tally.joint),
        *_unnamed_trouble(tally),
        bytes_stopped=LARGEST_SUM in tally.traffic.frame.select(total_of(*BYTES)).row(0),
    )


def _unnamed_trouble(tally: Tally) -> tuple[int, int]:
    """Return the errors and the unrouted requests that no finding can be about."""
    requests, subject = pl.col("requests"), pl.coalesce("upstream_cluster", "authority")
    known = (pl.col("authority") == FOLDED_KNOWN).fill_null(value=False)
    return (
        tally.traffic.frame.filter(pl.col("kind") == "request")
        .with_columns(subject.alias("subject"))
        .select(
            requests.filter(is_error() & is_folded("subject")).sum().alias("errors"),
            requests.filter(pl.col("outcome").is_in(UNROUTED) & known).sum().alias("unrouted"),
        )
        .row(0)
    )


def _joint_detail(joint: JointCounts) -> JointDetail | None:
    """Return what is left of joint counts, null if it is all."""
    rows = joint.frame
    width, digits = whole(rows["width_s"].max()), whole(rows["digits"].min())
    if width is None or digits is None:
        return None
    folded = {
        column: int(
            rows.filter(is_folded(column, rows.schema[column]))
            .select(pl.col("requests").sum() + pl.col("connections").sum())
            .item()
        )
        for column in joint.names(joint.spec)
    }
    columns = {column: requests for column, requests in folded.items() if requests}
    if width == WIDTHS_S[0] and digits == ALL_DIGITS and not columns:
        return None
    return JointDetail(width, relative_error_of(digits), columns)


def _folded_records(tally: Tally, column: str) -> int:
    """Return how many records are in the rows of folded names."""
    for rows, records in (
        (tally.traffic.frame, pl.col("requests")),
        (tally.asked_traffic.frame, pl.col("requests")),
        (tally.paths.frame, pl.col("routed") + pl.col("unrouted")),
        (tally.joint.frame, pl.col("requests") + pl.col("connections")),
    ):
        if column in rows.columns:
            folded = rows.filter(is_folded(column, rows.schema[column]))
            return int(folded.select(records.sum()).item())
    return 0
