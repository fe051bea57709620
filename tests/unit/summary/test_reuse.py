"""The hint that the connection of another host was reused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.handmade import HOST, Record, served, summary_of, unrouted

if TYPE_CHECKING:
    from envoylogs.summary.findings.finding import Finding

_OTHER = "www.example.com"


def _lost(server_names: list[str | None]) -> Finding:
    """Return the finding about a host that lost its route, with these TLS server names in turn."""
    names = [server_names[n % len(server_names)] for n in range(60)]
    records: list[Record] = [
        *(served(n, requested_server_name=HOST) for n in range(300)),
        *(unrouted(300 + n, requested_server_name=name) for n, name in enumerate(names)),
    ]
    (found,) = (f for f in summary_of(records).findings if f.code == "lost_host")
    return found


@pytest.mark.parametrize("names", [[_OTHER], [_OTHER, HOST], [_OTHER.upper()]])
def test_it_is_given_where_half_of_the_requests_have_another_server_name(
    names: list[str | None],
) -> None:
    found = _lost(names)

    assert found.next.startswith(f"Connections may be reused: they were opened for {_OTHER}. ")
    assert "Otherwise: what was applied just before?" in found.next
    assert (found.proof or "").endswith(f"TLS server name {_OTHER}, authority {HOST}.")


@pytest.mark.parametrize("names", [[HOST], [None], [_OTHER, HOST, HOST], [HOST.upper()]])
def test_it_is_not_given_where_they_agree_or_nothing_is_known(names: list[str | None]) -> None:
    found = _lost(names)

    assert found.next.startswith("What was applied just before?")
    assert "TLS server name" not in (found.proof or "")


def test_the_most_frequent_server_name_is_named() -> None:
    found = _lost([_OTHER, "cdn.example.com", "cdn.example.com"])

    assert "opened for cdn.example.com" in found.next
