"""What to do next follows the records: no word of a subset or a 503 where there is none."""

from __future__ import annotations

from typing import Any

import pytest
from tests.handmade import CLUSTER, failed, served, summary_of


def _next(code: int, flags: str, details: str | None, **changes: Any) -> str:
    log = [served(n) for n in range(100)]
    log += [failed(n, code, flags, details or "-", **changes) for n in range(100, 200)]
    return summary_of(log).findings[0].next


def _no_endpoints(cluster: str) -> str:
    gone = {"upstream_host": None, "upstream_cluster": cluster}
    return _next(503, "UH", "no_healthy_upstream", **gone)


def test_only_a_cluster_with_a_subset_has_labels_of_a_subset() -> None:
    assert "subset" not in _no_endpoints(CLUSTER)
    assert "labels of the subset" in _no_endpoints(CLUSTER.replace("||", "|v2|"))


def test_only_what_is_no_kubernetes_service_is_a_service_entry() -> None:
    assert "ServiceEntry" not in _no_endpoints(CLUSTER)
    assert "ServiceEntry" in _no_endpoints("outbound|443||api.bank.example")


@pytest.mark.parametrize(("code", "told"), [(503, True), (500, False)])
def test_only_a_503_may_be_the_sidecar_s(code: int, told: bool) -> None:  # noqa: FBT001
    assert ("sidecar" in _next(code, "-", "via_upstream")) is told


def test_a_reason_that_no_record_has_is_not_promised() -> None:
    nothing = dict.fromkeys(("upstream_cluster", "upstream_host", "route_name"))

    assert _next(503, "-", None, **nothing).startswith("If the record has a flag or a detail, ")
