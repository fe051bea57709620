"""How long what failed had taken: failures that all take the same time speak for a limit.

So do upgraded connections that were closed, each of which is no failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import polars as pl

from envoylogs.envoy.failures.lookup import upgrade_end
from envoylogs.tally.counting import REQUESTS, Counted, names_in
from envoylogs.tally.duration_classes import DurationCounts
from envoylogs.tally.ladder import EXACT
from envoylogs.tally.subjects import (
    SUBJECT_KEYS,
    SUBJECT_NAMES,
    is_of_connection,
    subject_columns,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.keyed.keyed_records import KeyedRecords
    from envoylogs.tally.spec import TallySpec


class FailureDurations(DurationCounts):
    """Failed requests and connections by kind, failure, what they are about, and milliseconds.

    With upgraded connections that one side closed, see ``upgrade_end``.

    Of requests and connections alike; those without a duration are not in it.
    """

    KEYS: ClassVar = {
        "kind": pl.String(),
        "failure": pl.String(),
        **dict.fromkeys(SUBJECT_KEYS, pl.String()),
        "value_ms": pl.Int64(),
    }

    @classmethod
    def names(cls, spec: TallySpec) -> Mapping[str, str]:
        """Return what failures are about."""
        return SUBJECT_NAMES

    @classmethod
    def counted(cls, records: KeyedRecords, spec: TallySpec) -> list[Counted]:
        """Count the failures of one batch."""
        del spec
        failure = pl.coalesce("failure", upgrade_end())
        keys, values = subject_columns(pl.col("is_connection"))
        return [
            Counted(
                records=records,
                keys={"kind": pl.col("kind"), "failure": failure, **keys},
                values={**values, "value_ms": pl.col("duration_ms")},
                names=names_in(records, address="upstream_host"),
                traits={"is_connection": is_of_connection()},
                measures={"requests": REQUESTS},
                constants=EXACT,
                where=failure.is_not_null() & (pl.col("kind") != "own"),
                valid=pl.col("duration_ms").is_not_null(),
            )
        ]
