"""Which upstream hosts are reached over HBONE."""

from __future__ import annotations

import polars as pl
import pytest

from envoylogs.envoy.failures.of_services import is_hbone


@pytest.mark.parametrize(
    ("upstream_host", "hbone"),
    [
        ("envoy://connect_originate/10.1.2.3:8080", True),
        ("envoy://inner_connect_originate/10.1.2.3:15008", True),
        ("10.1.2.3:15008", True),
        ("[2001:db8::1]:15008", True),
        ("10.1.2.3:8080", False),
        ("10.1.2.3:150080", False),
        ("15008.example.com:443", False),
        ("envoy://main_internal/10.1.2.3:80", False),
        (None, None),
    ],
)
def test_hbone_is_told_by_the_internal_listener_or_the_port(
    upstream_host: str | None, *, hbone: bool | None
) -> None:
    frame = pl.DataFrame({"host": [upstream_host]}, schema={"host": pl.String()})

    assert frame.select(is_hbone(pl.col("host"))).item() is hbone
