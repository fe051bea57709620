"""Which pod wrote a log that names its gateway by an address."""

from __future__ import annotations

import pytest
from tests.intents import configuration

from envoylogs.mesh.mesh import Mesh

_LAST_US = 1_795_000_000_000_000
"""The last record: in November 2026."""


def _pod(name: str, address: str = "10.8.0.6", *, made: str = "2026-01-01", phase: str = "") -> str:
    return f"""
      apiVersion: v1
      kind: Pod
      metadata: {{name: {name}, namespace: edge, creationTimestamp: "{made}T00:00:00Z"}}
      status: {{podIP: {address}, phase: {phase or "Running"}}}
    """


def test_a_pod_is_found_by_its_address() -> None:
    mesh = Mesh(configuration(_pod("gateway-1"), _pod("gateway-2", "10.8.0.7")))
    assert mesh.pod_at("10.8.0.7", _LAST_US) == "gateway-2"


@pytest.mark.parametrize(
    "pods",
    [
        [_pod("gateway-1", "10.8.0.8"), _pod("gateway-2", "10.8.0.7")],
        [_pod("of-a-host-network"), _pod("another-of-it")],
        [_pod("made-after-the-log", made="2027-01-01")],
        [_pod("a-job", phase="Succeeded")],
    ],
)
def test_an_address_that_no_pod_alone_had_then_stays_an_address(pods: list[str]) -> None:
    assert Mesh(configuration(*pods)).pod_at("10.8.0.6", _LAST_US) == "10.8.0.6"


def test_a_log_without_times_may_be_older_than_any_pod() -> None:
    assert Mesh(configuration(_pod("gateway-1"))).pod_at("10.8.0.6", None) == "10.8.0.6"
