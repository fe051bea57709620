"""The real program over logs from the field: what a person on call must be told.

The logs and what a competent operator concludes from each (their README) lie
beside the checkout and not in it. Where they are missing, as in a clone made
elsewhere, these tests skip; cases of the same kinds that are in the repository
stand in ``tests/cases``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.program import run

_FOLDER = Path(__file__).parents[3] / "shared" / "field"

pytestmark = pytest.mark.skipif(
    not _FOLDER.is_dir(), reason="the logs from the field do not lie beside this checkout"
)

_IN_KEY_VALUES = (
    "--text-format",
    "%START_TIME% [INFO] [INGRESS]:[Request_Id: %REQ(X-REQUEST-ID)%], Protocol: %PROTOCOL%, "
    "Method : %REQ(:METHOD)%, Path: %REQ(:PATH)%, Response Code: %RESPONSE_CODE%, "
    "Host: %REQ(:AUTHORITY)%, Duration: %DURATION%, "
    "Upstream Service Time: %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%, "
    "Bytes Received: %BYTES_RECEIVED%, Bytes Sent: %BYTES_SENT%",
)

Finding = dict[str, Any]


@dataclass(frozen=True)
class _Asked:
    """What must come out of a log.

    Attributes:
        findings: Some keys of the findings above info, all of them, the worst first.
        document: What stands at places of the JSON, such as ``overview.errors``.
        says: What the terminal must show, whatever its line breaks.
        never: What it must not.
        options: Of the command.
        entries: Entries of the log in the folder that this is about.
    """

    entries: tuple[str, ...]
    findings: tuple[Finding, ...]
    document: dict[str, Any]
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def _served(name: str, since: str, **finding: Any) -> _Asked:
    """Return what is asked of a host that is served until it refuses everybody, 40 times."""
    whole = {"severity": "critical", "state": "ongoing", "requests": 40, "of": 40} | finding
    return _Asked(
        (name,), ({**whole, "subject": "api.example.com", "since": since},),
        {"overview.requests": 60, "verdict.state": "trouble"},
        says=("since 08:20:00", "40 of 40 requests"), never=("Nothing",),
    )  # fmt: skip


_T0820 = "2023-04-11T08:20:00.000Z"
_STREAMS = {
    "failure": "duration_limit", "who": "gateway policy",
    "subject": "outbound|50051||chat.prod.svc.cluster.local", "state": "ongoing",
}  # fmt: skip
_CUT = {
    "code": "upstream_reset", "failure": "connection_closed", "requests": 6, "of": 6,
    "subject": "outbound|80||orders.prod.svc.cluster.local",
}  # fmt: skip

_ASKED = [
    _Asked(
        ("01-gw.log",),
        ({"code": "upstream_errors", "who": "upstream", "requests": 1, "of": 2},),
        {"overview.errors": 1, "by.authority.0.authority": "www.example.com",
         "groups.0.authority": "www.example.com"},
        says=("waypoint", "ztunnel", "over HBONE"), never=("keep-alive",),
    ),
    _Asked(
        ("01-hhmmss.log",),
        ({"code": "upstream_errors"}, {"code": "log_incomplete"}),
        {"accounts.unreadable.start_time": 2, "accounts.untimed": 2},
        says=("ztunnel", '2 values of start_time, such as "10:00:01"',
              "2 records have no time that can be read"),
        never=("keep-alive",),
    ),
    _Asked(
        ("03-gw.log",),
        ({"failure": "name_refused", "who": "gateway configuration", "severity": "high",
          "requests": 4, "of": 4, "state": "ongoing"},),
        {"overview.connections_refused": 4, "overview.noise.connections": 0},
        says=("All connections to :8443 are refused", "none had a TLS server name",
              "nothing was ever accepted", "load balancer"),
        never=("Noise",),
    ),
    _Asked(
        ("04-gw.log",),
        ({"failure": "direct_error",
          "who": "gateway configuration", "requests": 2, "of": 2},),
        {"overview.errors": 2},
        says=("itself answers 500", "backendRef", "weights"),
    ),
    _Asked(
        ("04-after_serving.log",),
        ({"failure": "direct_error", "severity": "critical",
          "who": "gateway configuration", "requests": 30, "of": 30,
          "subject": "api.example.com", "since": "2025-05-12T08:30:00.000Z"},),
        {"overview.errors": 30},
        says=("itself answers 500", "backendRef", "weights"),
    ),
    _served("51-dr503.log", _T0820, failure="direct_error", who="gateway configuration"),
    _served("51-payload500.log", _T0820, failure="answer_too_large", who="gateway policy"),
    _served("28-gw.log", _T0820, failure="jwks_unreachable", who="gateway operator"),
    _served("51-jwtkid.log", _T0820, failure="unknown_token_key", who="gateway policy"),
    _served("51-rl429.log", _T0820, failure="over_rate_limit", who="gateway policy"),
    _Asked(
        ("07-clean.log",),
        ({"failure": "connect_failed", "who": "upstream", "requests": 1, "of": 1},),
        {"overview.connections_failed": 1, "connections.by.outcome.0.failed": 1},
        says=("Connections that failed", "1 of 1 connection;"), never=("Nothing",),
    ),
    _Asked(
        ("08-gw.log",),
        ({"code": "connections_failed", "who": "upstream", "requests": 5, "of": 5},),
        {"overview.connections_failed": 5},
        says=("203.0.113.200:443", "nothing answers in time", "10.0 s",
              "Connections that failed", "firewall"),
        never=("mTLS",),
    ),
    _Asked(
        ("09-gw.log",),
        ({"failure": "route_missing", "who": "gateway configuration",
          "subject": "licensing.oi.example.com"},),
        {"overview.unrouted": 1},
        says=("Connections may be reused", "opened for ep.oi.example.com"),
    ),
    _Asked(
        ("11-uaex503.log",),
        ({"code": "dependency_failed", "failure": "authorization_down", "severity": "critical",
          "who": "gateway operator", "requests": 12, "of": 12},),
        {"overview.outcomes.dependency_failed": 12, "overview.errors": 12},
        says=("external authorization service fails",), never=("denies", "denied"),
    ),
    _Asked(
        ("13-gw.log",),
        ({"code": "unattributed_errors", "who": "unknown", "requests": 2, "of": 3},),
        {"by.authority.0.authority": "api.example.com", "accounts.untimed": 0,
         "accounts.unreadable": {}},
        says=("--map route_name=matcher",), never=("--text-format",),
    ),
    _Asked(
        ("16-gw.log",),
        ({"failure": "response_timeout", "who": "upstream", "requests": 1, "of": 3},),
        {"overview.unrouted_known": 1, "overview.latency_ms.max": 14,
         "rejections.0.outcome": "no_route", "accounts.unreadable": {}},
        says=("does not answer in time", "/c "),
    ),
    _Asked(
        ("17-gw.log",),
        ({"failure": "connection_closed", "who": "upstream"},),
        {"accounts.untimed": 1, "accounts.records": 1},
        says=("1 record has no time that can be read",),
    ),
    _Asked(
        ("19-gw.log", "26-utf16le.log"),
        ({**_STREAMS, "requests": 3, "of": 3},),
        {"overview.requests": 3, "accounts.malformed": 0},
        says=("ended at their maximum duration", "120.0 s"), never=("does not answer",),
    ),
    _Asked(
        ("19-flagless.log",),
        ({**_STREAMS, "requests": 12, "of": 12, "severity": "critical"},),
        {"overview.requests": 12},
        says=("ended at their maximum duration", "120.0 s"), never=("does not answer",),
    ),
    _Asked(
        ("23-gw_upe.log",),
        ({"failure": "broken_http", "who": "upstream", "requests": 3, "of": 3},),
        {"overview.errors": 3},
        says=("breaks HTTP", "duplicate", "port name"), never=("keep-alive",),
    ),
    _Asked(
        ("25-gw.log",),
        (),
        {"overview.outcomes.rate_limited": 1, "accounts.unreadable.response_code": 1,
         "verdict.state": "quiet"},
        says=('"**200**"', "RL request_rate_limited"), never=("Nothing wrong",),
    ),
    _Asked(
        ("34-waypoint.log",),
        ({"failure": "no_endpoints", "who": "upstream", "requests": 2, "of": 2},),
        {"accounts.roles.waypoint": 3},
        says=("1 waypoint",), never=("sidecar", "1 gateway"),
        options=("--role", "waypoint"),
    ),
    _Asked(
        ("36-utcword.log",),
        ({"code": "log_incomplete"},),
        {"accounts.unreadable": {"start_time": 3}, "accounts.untimed": 3,
         "accounts.records": 7},
        says=("3 values of start_time, such as",
              "CEST", "3 records have no time that can be read"),
    ),
    _Asked(
        ("39-gw.log",),
        ({"code": "unattributed_errors", "who": "unknown", "requests": 2, "of": 3},),
        {"overview.errors": 1, "accounts.records": 3},
        says=("svc.example.com",), never=("Nothing",),
        options=_IN_KEY_VALUES,
    ),
    _Asked(
        ("40-gw.log", "43-grafana.csv"),
        (_CUT,),
        {"overview.errors": 6},
        says=("all ended after 120.0 s", "limit of 120.0 s in between", "6 of 6 requests"),
        never=("Nothing",),
    ),
    _Asked(
        ("42-gw.log",),
        ({"failure": "no_endpoints", "who": "upstream", "requests": 3, "of": 3},),
        {"overview.outcomes.no_endpoints": 3, "overview.errors": 3},
        says=("503 UH", "has no healthy endpoint"),
    ),
    _Asked(
        ("47-gw.log",),
        ({"failure": "broken_off", "who": "upstream", "requests": 1, "of": 1},),
        {"overview.errors": 1},
        says=("break off", "200 UR"), never=("Nothing",),
    ),
]  # fmt: skip

_BY_NAME = [(name, asked) for asked in _ASKED for name in asked.entries]
_ADVISED = "21-cw.log"


def _run(*arguments: str, pipe: bytes = b"", code: int = 0) -> tuple[str, str]:
    """Run the program in the folder; return what it printed and what it said of it."""
    found = run(*arguments, folder=_FOLDER, pipe=pipe, environment={"COLUMNS": "140"})
    errors = found.stderr.decode()
    assert found.returncode == code, errors
    return found.stdout.decode(), errors


def _words(text: str) -> str:
    return " ".join(text.split())


def _value_at(document: Any, place: str) -> Any:
    for step in place.split("."):
        if step == "#":
            return len(document)
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def _serious(document: Any) -> list[Finding]:
    return [found for found in document["findings"] if found["severity"] != "info"]


@pytest.mark.parametrize(("name", "asked"), _BY_NAME, ids=[name for name, _ in _BY_NAME])
def test_a_log_from_the_field_has_the_findings_that_an_operator_draws_from_it(
    name: str, asked: _Asked
) -> None:
    printed, _ = _run("summarize", "--format", "json", *asked.options, name)
    document = json.loads(printed)

    found = [
        {key: one[key] for key in wanted}
        for one, wanted in zip(_serious(document), asked.findings, strict=True)
    ]
    assert found == list(asked.findings)
    assert {place: _value_at(document, place) for place in asked.document} == asked.document


@pytest.mark.parametrize(("name", "asked"), _BY_NAME, ids=[name for name, _ in _BY_NAME])
def test_a_log_from_the_field_is_told_in_the_words_that_help(name: str, asked: _Asked) -> None:
    shown = _words(_run("summarize", *asked.options, name)[0]) + " "

    assert [text for text in asked.says if text not in shown] == []
    assert [text for text in asked.never if text in shown] == []


def test_the_advice_for_records_inside_other_objects_works_as_it_is_printed() -> None:
    printed, said = _run("summarize", _ADVISED, code=1)
    assert not printed
    assert f"jq -r .log {_ADVISED} | envoylogs" in said

    document = json.loads(_run("summarize", "--format", "json", pipe=_taken_out())[0])

    assert document["accounts"]["records"] == 3
    assert [found["failure"] for found in _serious(document)] == ["connection_closed"]


def _taken_out() -> bytes:
    """Return what the printed filter makes of the log: its ``log`` of each line, unquoted."""
    jq = shutil.which("jq")
    if jq:
        return subprocess.run(
            [jq, "-r", ".log", _ADVISED], cwd=_FOLDER, capture_output=True, check=True
        ).stdout
    lines = (_FOLDER / _ADVISED).read_text(encoding="utf-8").splitlines()
    return "".join(f"{json.loads(line)['log']}\n" for line in lines).encode()


def test_every_log_of_the_folder_is_asked_for() -> None:
    there = {path.name for path in _FOLDER.iterdir()} - {"README.md"}

    assert there == {_ADVISED, *(name for name, _ in _BY_NAME)}
