"""Counting asks every column for itself, however alike their values are."""

from __future__ import annotations

import polars as pl
import pytest
from tests.builders import batch_of, record
from tests.handmade import source_of, text_of

from envoylogs.pipeline import tally_sources
from envoylogs.render.caveats import folded_of
from envoylogs.summary.summary import summarize
from envoylogs.tally.tally import Tally


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_columns_of_other_types_with_the_same_values_stay_apart(engine: str) -> None:
    # Both keys are of the first group, number 0, and no record is a connection or an error: 0 too.
    batch = batch_of(record(protocol="HTTP/1.1"), record(protocol="HTTP/2"))
    assert batch.selected is not None
    assert batch.selected.keys.height == 2

    with pl.Config() as config:
        config.set_engine_affinity(engine)  # type: ignore[arg-type]
        tally = Tally.of(batch)

    assert tally.traffic.frame["requests"].to_list() == [2]
    assert tally.timeline.frame["requests"].sum() == 2
    assert tally.timeline.frame["errors"].sum() == 0


def test_sums_of_bytes_stop_and_never_wrap() -> None:
    # 1,024 times 2^53 are 2^63, one more than the largest number there is.
    log = [record(bytes_sent=2**53, bytes_received=1, path=f"/{n % 7}") for n in range(1500)]
    tally = tally_sources([source_of(text_of(log))])
    twice = tally.merge(tally)

    for found, received in ((tally, 1500), (twice, 3000)):
        summary = summarize(found)
        assert summary.overview.bytes_sent == 2**63 - 1
        assert summary.overview.bytes_received == received
        assert summary.table("authority")["bytes_sent"].to_list() == [2**63 - 1]
        assert summary.folds.bytes_stopped
        assert "Sums of bytes stop at 2^63 - 1" in (folded_of(summary) or "")
    fewer = tally_sources([source_of(text_of([record(bytes_sent=2**53), *log[:1022]]))])
    assert not summarize(fewer).folds.bytes_stopped
