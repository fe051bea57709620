"""The condition of a finding selects the requests that it counts, and the first that it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from docs.finding_examples import LOGS, mesh_of
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import (
    CLUSTER,
    Record,
    fewer_examples,
    rare_records,
    refused,
    refused_connection,
    reset,
    served,
    source_of,
    text_of,
    unrouted,
)

from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.pipeline import tally_sources
from envoylogs.records import selected_lines
from envoylogs.summary.findings.catalog import KIND_BY_CODE
from envoylogs.summary.judged import Judged
from envoylogs.summary.summary import summarize
from envoylogs.tally.spec import TallySpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from envoylogs.mesh.mesh import Mesh
    from envoylogs.summary.findings.finding import Finding

_PODS = ("10.8.1.2:8080", "10.8.1.3:8080", "10.8.1.4:8080", None)
_MAKERS: list[Callable[..., Record]] = [served, unrouted, reset, refused, refused_connection]


def _checked(data: bytes, mesh: Mesh | None = None) -> list[Finding]:
    """Return the findings of a log, after each was held against its own lines."""
    spec = TallySpec(turned_away=mesh.turned_away if mesh else ())
    findings = summarize(tally_sources([source_of(data)], spec=spec), mesh=mesh).findings
    for finding in findings:
        if finding.condition is None:
            assert finding.requests == 0
            continue
        selection = Selection.of({}, where=finding.condition)
        found = sum(
            frame.height
            for frame in selected_lines([source_of(data)], ReadPlan(selection=selection))
        )
        assert found == finding.requests, finding.condition
        if finding.first_seen is not None:
            tally = tally_sources([source_of(data)], plan=ReadPlan(selection=selection))
            assert finding.first_seen == Judged(tally).first, finding.condition
    return list(findings)


@pytest.mark.parametrize("code", KIND_BY_CODE)
def test_the_documented_example_of_each_finding(code: str, tmp_path: Path) -> None:
    found = _checked(text_of(LOGS[code]()), mesh_of(code, str(tmp_path)))

    assert code in {finding.code for finding in found}


def test_rare_records() -> None:
    _checked(text_of(rare_records()))


def test_quotes_in_a_host_stay_inside_the_condition() -> None:
    name = "o'brien' OR '1' = '1"
    log: Iterable[Record] = [
        *(served(n, authority=name) for n in range(50)),
        *(unrouted(n, authority=name) for n in range(50, 90)),
    ]

    (finding,) = _checked(text_of(log))
    assert finding.requests == 40


@st.composite
def _logs(draw: st.DrawFn) -> list[Record]:
    """Return stretches of requests of a few hosts, clusters and pods, each with its own fate."""
    log = []
    for stretch in range(draw(st.integers(1, 6))):
        make = draw(st.sampled_from(_MAKERS))
        host = draw(st.sampled_from(["a.example.com", "b.example.com", "198.51.100.7", None]))
        cluster = draw(
            st.sampled_from([CLUSTER, "outbound|80|v2|shop.shop.svc.cluster.local", None])
        )
        pod = draw(st.sampled_from(_PODS))
        path = draw(st.sampled_from(["/", "/cart/7", "/cart?x='"]))
        name = draw(st.sampled_from(["a.example.com", "b.example.com", None]))
        duration = draw(st.sampled_from([10, 400, 3000]))
        for n in range(draw(st.integers(1, 70))):
            changes: Record = {"authority": host, "path": path, "requested_server_name": name}
            if make not in {unrouted, refused_connection}:
                changes |= {"upstream_cluster": cluster, "upstream_host": pod}
            if make is served:
                changes |= {"duration": duration, "upstream_service_time": str(duration)}
            log.append(make(stretch * 60 + n, **changes))
    return log


@pytest.mark.property
@fewer_examples(5)
@given(log=_logs())
def test_any_log(log: list[Record]) -> None:
    _checked(text_of(log))
