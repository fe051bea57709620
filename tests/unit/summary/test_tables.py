"""The registry of tables: each is known by its name, and made only when it is asked for."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from tests.handmade import connection, reset, served, summary_of, unrouted

from envoylogs.render.csv_table import write_csv
from envoylogs.render.named_tables import rows_of_table
from envoylogs.summary.judged import Parts
from envoylogs.summary.tables import TABLE_NAMES

if TYPE_CHECKING:
    from envoylogs.summary.summary import Summary

_DEAR = {"findings", "overview", "verdict", "slices", "metrics"}


def _summary() -> Summary:
    return summary_of([served(0), reset(1), unrouted(2), connection(3)])


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_every_table_has_rows_of_one_form(name: str) -> None:
    rows = rows_of_table(_summary(), name)

    assert len({tuple(row) for row in rows}) <= 1


@pytest.mark.parametrize("name", ["groups", "authority", "rejections", "timeline", "sources"])
def test_one_table_makes_nothing_that_it_does_not_show(name: str) -> None:
    summary = _summary()

    write_csv(summary, io.StringIO(), name)

    assert not _DEAR & vars(summary).keys()


@pytest.mark.parametrize("name", ["groups", "authority", "rejections", "splits"])
def test_a_table_is_made_once(name: str) -> None:
    summary = _summary()

    assert summary.table(name) is summary.table(name)


def test_parts_are_the_rows_with_the_values_in_their_order() -> None:
    rows = _summary().judged.everything
    parts = Parts(rows)

    for kind in ("request", "connection", "none of these"):
        for host in (*rows["host"].unique(), "other.example.com"):
            expected = [
                row for row in rows.to_dicts() if row["kind"] == kind and row["host"] == host
            ]
            assert parts.of(kind=kind, host=host).to_dicts() == expected
