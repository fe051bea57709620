"""The known keys of log objects."""

from __future__ import annotations

from envoylogs import schema
from envoylogs.envoy.fields import ALIASES, fold

_DERIVED = {
    "upstream_direction",
    "upstream_port",
    "upstream_subset",
    "upstream_service",
    "namespace",
    "container",
    "gateway",
    "role",
    "outcome",
    "failure",
    "kind",
}


def test_every_column_that_is_logged_has_a_key_and_no_other_column_has() -> None:
    assert set(ALIASES) == set(schema.NORMALIZED) - _DERIVED


def test_no_key_holds_two_columns() -> None:
    keys = [key for spellings in ALIASES.values() for key in spellings]

    assert len(keys) == len(set(keys))
    assert keys == [fold(key) for key in keys]
