"""What is shared with --anonymize: none of the secrets of a log, and all of its numbers."""

from __future__ import annotations

import base64
import gzip
import json
import re
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from tests.builders import CONNECTION, NO_ROUTE, record
from typer.testing import CliRunner

import envoylogs
from envoylogs.cli.app import app_of
from envoylogs.keyed.anonymizing_key import KEY_VARIABLE
from envoylogs.summary.tables import TABLE_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAMPLES = Path(__file__).parents[2] / "sample_logs"
KEY = "0123456789abcdef0123456789abcdef"
OTHER_KEY = "fedcba9876543210fedcba9876543210"

_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzM2NyM3QifQ.c2lnbmF0dXJlczNjcjN0"
_UUIDS = ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "7d444840-9dc0-11d1-b245-5ffdce74fad2")

# Each must be in no output, and is in the log once at least.
SECRETS = {
    "client": "203.0.113.77",
    "client of IPv6": "2001:db8:5e:c2e7::9",
    "forwarded": "198.51.100.23",
    "forwarded, no address": "s3cr3tforwarded",
    "user agent": "s3cr3tAgent/9",
    "request id": "s3cr3t-request-1",
    "request id that is one": _UUIDS[0],
    "number in a path": "48151623",
    "UUID in a path": _UUIDS[1],
    "hash in a path": "deadbeefcafe0123deadbeef",
    "mail in a path": "alice.s3cr3t@mail.example",
    "mail in a path, escaped": "bob.s3cr3t%40mail.example",
    "JWT in a path": _JWT,
    "word in a path": "s3cr3tPath",
    "base64 in a path": "U2VjcmV0UGFzc3dvcmQ",
    "address in a path": "203.0.113.78",
    "phone in a path": "555-0143-77",
    "parameter in a path": "s3cr3tMatrix",
    "value of a query": "hunter2query",
    "plain value of a query": "swordfish",
    "name of a query": "s3cr3tName",
    "query without a name": "s3cr3tBare",
    "fragment": "s3cr3tFragment",
    "userinfo in a path": "carol:pa55w0rd",
    "host in a path": "s3cr3thost.example",
    "plain host in a path": "openproxy.example",
    "userinfo in an authority": "dave:pa55w0rd",
    "unknown host": "s3cr3t.stranger.example",
    "plain unknown host": "stranger.example",
    "unknown address": "203.0.113.99",
    "port of a stranger": "987654321",
    "unknown server name": "s3cr3t-sni.example",
    "method": "S3CR3TMETHOD",
    "protocol": "S3CR3T/1.1",
    "details of a filter": "plugin_denied_s3cr3tDetail",
    "address in known details": "203.0.113.80",
    "termination details": "s3cr3tTermination",
    "mail in a transport reason": "eve@transport.example",
    "malformed line": "s3cr3tMalformed",
    "line of another program": "s3cr3tOther",
    "condition": "s3cr3tCondition",
}


def _records() -> Iterator[dict[str, Any]]:
    s = SECRETS
    served = record(path="/cart")
    for number, path in enumerate(
        (
            f"/orders/{s['number in a path']}/items",
            f"/users/{s['UUID in a path']}",
            f"/files/{s['hash in a path']}",
            f"/users/{s['mail in a path']}/profile",
            f"/users/{s['mail in a path, escaped']}/profile",
            f"/login/{s['JWT in a path']}",
            f"/reset/{s['word in a path']}",
            f"/reset/{s['base64 in a path']}",
            f"/lookup/{s['address in a path']}",
            f"/call/{s['phone in a path']}",
            f"/cart;jsessionid={s['parameter in a path']};v=1/items",
            f"/search?q={s['value of a query']}&user={s['plain value of a query']}#{s['fragment']}",
            f"/search?{s['name of a query']}=1",
            f"/search?{s['query without a name']}",
            f"http://{s['userinfo in a path']}@{s['host in a path']}/x",
            f"http://{s['plain host in a path']}/x",
        )
    ):
        yield {**served, "path": path, "start_time": f"2026-01-02T03:04:{number:02}.000Z"}
        yield record(
            **NO_ROUTE, path=path, start_time=f"2026-01-02T03:05:{number:02}.000Z", duration=number
        )
    failed = {**served, "response_code": 503, "response_flags": "UH", "upstream_host": None}
    failed |= {"response_code_details": "no_healthy_upstream"}
    client = f"{s['client']}:40001"
    yield {**failed, "downstream_remote_address": client, "x_forwarded_for": s["client"]}
    yield {**failed, "downstream_remote_address": f"[{s['client of IPv6']}]:40001"}
    yield {**failed, "downstream_remote_address": None, "x_forwarded_for": s["client of IPv6"]}
    forwarded = f"{s['forwarded, no address']}, {s['forwarded']}:8080, {s['client']}"
    yield {**failed, "downstream_remote_address": None, "x_forwarded_for": forwarded}
    yield {**failed, "user_agent": s["user agent"], "request_id": s["request id"]}
    yield {**failed, "request_id": s["request id that is one"]}
    yield {**failed, "method": s["method"], "protocol": s["protocol"]}
    yield {**failed, "response_code_details": s["details of a filter"]}
    reset = (
        f"upstream_reset_before_response_started{{remote_reset,{s['address in known details']}}}"
    )
    yield {**failed, "response_flags": "UC", "response_code_details": reset}
    yield {**failed, "connection_termination_details": s["termination details"]}
    reason = f"TLS error: 268435581 {s['mail in a transport reason']}"
    yield {**failed, "response_flags": "UF", "upstream_transport_failure_reason": reason}
    for host in (
        f"{s['userinfo in an authority']}@shop.example.com",
        s["unknown host"],
        f"{s['unknown host']}:8443",
        s["plain unknown host"],
        s["unknown address"],
        f"stranger:{s['port of a stranger']}",
    ):
        yield record(**NO_ROUTE, authority=host)
    refused = {**CONNECTION, "response_flags": "NR", "upstream_cluster": None}
    refused |= {"response_code_details": "filter_chain_not_found", "upstream_host": None}
    yield record(**refused, requested_server_name=s["unknown server name"])


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("logs") / "gateway.log"
    lines = [json.dumps(found) for found in _records()]
    lines += [
        f'{{"authority": "shop.example.com", "path": "/x", {SECRETS["malformed line"]}}}',
        f"2026-01-02T03:04:05.000000Z\tinfo\t{SECRETS['line of another program']}",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


_hiding_more: list[str] = []
"""Options that go with ``--anonymize``, for a test of its own."""


@pytest.fixture
def names_hidden() -> Iterator[None]:
    """Hide names in whatever is anonymized."""
    _hiding_more.append("--hide-names")
    yield
    _hiding_more.clear()


def _run(*arguments: str | Path, key: str | None = None) -> str:
    if "--anonymize" in arguments:
        arguments = (*arguments, *_hiding_more)
    environment = {} if key is None else {KEY_VARIABLE: key}
    found = CliRunner().invoke(app_of(), list(map(str, arguments)), env=environment)
    assert found.exit_code == 0, (found.stderr, found.exception)
    return found.stdout


def _unpacked(page: str) -> str:
    """Return a page with the counts that are packed in it."""
    packed = re.findall(r"H4sI[A-Za-z0-9+/=]{100,}", page)
    assert packed
    return page + "".join(gzip.decompress(base64.b64decode(p)).decode() for p in packed)


def _values_of(path: Path) -> str:
    """Return all texts of a saved tally, and its metadata."""
    frame = pl.read_parquet(path)
    texts = (
        frame[name].drop_nulls().unique() for name, t in frame.schema.items() if t == pl.String
    )
    return "\n".join(chain.from_iterable(texts)) + json.dumps(pl.read_parquet_metadata(path))


_ALL = ("--by", "user_agent,request_id,x_forwarded_for,downstream_remote_address,client,path")
_FREE = ("--by", "connection_termination_details,upstream_transport_failure_reason,method,protocol,"
         "requested_server_name,host,response_code_details")  # fmt: skip
_WIDE = ("--limit", "0", "--show-query")

OUTPUTS: dict[str, Callable[[Path, Path], str]] = {
    "text": lambda log, _: _run("summarize", log, "--anonymize", *_WIDE),
    "json": lambda log, _: _run("summarize", log, "--anonymize", *_WIDE, "--format", "json"),
    "markdown": lambda log, _: _run("summarize", log, "--anonymize", *_WIDE, "-f", "markdown"),
    "prometheus": lambda log, _: _run("summarize", log, "--anonymize", "-f", "prometheus"),
    "selection": lambda log, _: _run(
        "summarize", log, "--anonymize", "-f", "json",
        "--client", SECRETS["client"], "--host", "shop.example.com", "--path", "/ca*",
        "--where", f"path <> '{SECRETS['condition']}'",
    ),
    **{
        f"{form} of {table}": lambda log, _, form=form, table=table: _run(  # type: ignore[misc]
            "summarize", log, "--anonymize", *_WIDE, "--format", form, "--table", table
        )
        for form in ("csv", "ndjson")
        for table in TABLE_NAMES
    },
    **{
        f"{form} by {by[1]}": lambda log, _, form=form, by=by: _run(  # type: ignore[misc]
            "summarize", log, "--anonymize", *_WIDE, "--format", form, *by
        )
        for form in ("text", "csv", "ndjson", "markdown", "json")
        for by in (_ALL, _FREE)
    },
    "joint": lambda log, _: _run(
        "summarize", log, "--anonymize", *_WIDE, "--format", "ndjson", "--joint",
        "path,client,authority,requested_server_name,host,method", "--table", "joint",
    ),
    "page": lambda log, _: _unpacked(_run("report", log, "--anonymize", "--show-query")),
    "lines": lambda log, _: _run("lines", log, "--anonymize", "--where", "kind IS NOT NULL"),
    "bare lines": lambda log, _: _run(
        "lines", log, "--anonymize", "--bare", "--where", "kind IS NOT NULL"
    ),
    "lines of a finding": lambda log, _: _run("lines", log, "--anonymize", "--finding", "1"),
    **{
        f"query as {form}": lambda log, _, form=form: _run(  # type: ignore[misc]
            "query", log, "SELECT * FROM logs", "--anonymize", "--format", form
        )
        for form in ("csv", "json", "ndjson", "markdown")
    },
    "parquet": lambda log, folder: _converted(log, folder / "records.parquet"),
    "converted to csv": lambda log, folder: _converted(log, folder / "records.csv"),
    "converted to ndjson": lambda log, folder: _converted(log, folder / "records.ndjson"),
    "frame": lambda log, _: envoylogs.read(
        log, anonymize=True, hide_names=bool(_hiding_more)
    ).write_ndjson(),
    "analysis": lambda log, _: _of_analysis(
        envoylogs.analyze(log, anonymize=True, hide_names=bool(_hiding_more))
    ),
    "saved tally": lambda log, folder: _saved(log, folder / "a.tally", "--save-tally"),
    "state": lambda log, folder: _saved(log, folder / "a.state", "--state"),
}  # fmt: skip


def _converted(log: Path, to: Path) -> str:
    _run("convert", log, "--anonymize", "-o", to)
    return _values_of(to) if to.suffix == ".parquet" else to.read_text(encoding="utf-8")


def _of_analysis(analysis: envoylogs.Analysis) -> str:
    tables = "".join(analysis.table(name).write_json() for name in analysis.tables)
    return repr(analysis) + analysis._repr_html_() + tables


def _saved(log: Path, kept: Path, option: str) -> str:
    _run("summarize", log, "--anonymize", option, kept, *_WIDE, *_ALL, key=KEY)
    return _values_of(kept)


@pytest.mark.parametrize("output", OUTPUTS)
def test_no_output_has_a_secret_of_the_log(output: str, log: Path, tmp_path: Path) -> None:
    text = OUTPUTS[output](log, tmp_path)

    lowered = text.lower()
    assert [name for name, secret in SECRETS.items() if secret.lower() in lowered] == []
    assert "s3cr3t" not in lowered
    assert "pa55w0rd" not in lowered


OPERATORS = {
    "authority": "op3rator.example.com",
    "route_name": "op3rator-route",
    "upstream_cluster": "outbound|80|op3rator-subset|op3rator.op3rator-ns.svc.cluster.local",
    "upstream_host": "198.51.100.201:8080",
    "upstream_local_address": "198.51.100.202:4000",
    "downstream_local_address": "198.51.100.203:8443",
    "requested_server_name": "op3rator.example.com",
    "pod_name": "op3rator-gateway-7d4b9c",
}
"""Names that operators give, each in a field of its own."""


@pytest.fixture(scope="module")
def named_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("op3rator") / "op3rator.log"
    usual = record(**OPERATORS)
    failed = {**usual, "response_code": 503, "response_flags": "UF", "upstream_host": None}
    policy = "rbac_access_denied_matched_policy[ns[op3rator-ns]-policy[op3rator]-rule[0]]"
    spiffe = "TLS_error: SAN spiffe://cluster.local/ns/op3rator-ns/sa/op3rator-account"
    log = [
        *(usual for _ in range(20)),
        *({**failed, "response_code_details": "via_upstream"} for _ in range(20)),
        {**failed, "upstream_transport_failure_reason": spiffe},
        {**usual, "response_code": 403, "response_code_details": policy, "upstream_host": None},
        record(**{**NO_ROUTE, "authority": "op3rator.example.com", "path": "/cart"}),
        record(**{**OPERATORS, "authority": "other-op3rator.example.com"}),
        {**CONNECTION, **{k: v for k, v in OPERATORS.items() if k != "authority"}},
        {**usual, "upstream_host": "envoy://connect_originate/198.51.100.204:8080"},
        {**usual, "upstream_cluster": "httproute/op3rator-ns/op3rator/rule/0"},
    ]
    times = (f"2026-01-02T03:04:{n:02}.000Z" for n in range(60))
    lines = [
        json.dumps({**found, "start_time": time}) for found, time in zip(log, times, strict=False)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.usefixtures("names_hidden")
@pytest.mark.parametrize("output", OUTPUTS)
def test_no_output_has_a_name_of_the_operator_if_these_are_hidden(
    output: str, named_log: Path, log: Path, tmp_path: Path
) -> None:
    # The selection is of names in the other log.
    text = OUTPUTS[output](log if output == "selection" else named_log, tmp_path).lower()
    # A state has to find its logs again.
    text = text.replace(str(named_log).lower(), "") if output == "state" else text

    assert "op3rator" not in text
    assert "198.51.100.20" not in text
    if output == "selection":
        assert "shop" not in text


@pytest.mark.usefixtures("names_hidden")
def test_hidden_names_leave_numbers_and_findings(named_log: Path) -> None:
    plain = json.loads(_run("summarize", named_log, "-f", "json"))
    shared = json.loads(_run("summarize", named_log, "-f", "json", "--anonymize"))

    def told(found: dict[str, Any]) -> list[tuple[Any, ...]]:
        return [(f["code"], f["severity"], f["requests"], f["of"]) for f in found["findings"]]

    assert told(shared) == told(plain)
    assert shared["overview"] == plain["overview"]
    for a, b in zip(plain["splits"], shared["splits"], strict=True):
        assert [p["requests"] for p in a["parts"]] == [p["requests"] for p in b["parts"]]
        assert [p["latency_ms"] for p in a["parts"]] == [p["latency_ms"] for p in b["parts"]]


def test_every_name_of_the_operator_is_shown_unless_hidden(named_log: Path) -> None:
    """Else the tests above would test nothing."""
    shown = _run("lines", named_log, "--anonymize", "--where", "kind IS NOT NULL")

    assert "op3rator" in shown
    for name in OPERATORS.values():
        assert name in shown


def test_words_that_are_rare_in_paths_are_hidden_if_that_is_asked_for(
    tmp_path: Path,
) -> None:
    log = tmp_path / "gateway.log"
    paths = ["/cart/items"] * 30 + ["/reset/swordfish"] + ["/cart/marlin"] * 9
    lines = (json.dumps(record(path=path)) for path in paths)
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def shown(*options: str) -> str:
        return _run("summarize", log, "--anonymize", "-f", "csv", "--by", "path_group", *options)

    assert "/reset/swordfish,1," in shown()
    hidden = shown("--hide-rare-paths")
    assert "swordfish" not in hidden
    assert "reset" not in hidden
    assert "marlin" not in hidden
    assert re.search(r"^/cart/items,30,", hidden, re.MULTILINE)
    assert re.search(r"^/cart/\{token:[0-9a-f]{16}\},9,", hidden, re.MULTILINE)
    lines_shown = _run("lines", log, "--anonymize", "--hide-rare-paths", "--code", "*")
    assert "swordfish" not in lines_shown
    assert lines_shown.count("/cart/items") == 30


def test_what_is_left_to_be_read_is_said(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    paths = ["/cart/items"] * 30 + ["/reset/swordfish", "/7"]
    log.write_text("".join(json.dumps(record(path=path)) + "\n" for path in paths))

    found = CliRunner().invoke(app_of(), ["summarize", str(log), "--anonymize"])

    said = "2 path groups keep their words; these are rare: /reset/swordfish (--hide-rare-paths"
    assert said in found.stderr
    assert "--hide-names hides them from outsiders" in found.stderr


@pytest.mark.parametrize("option", ["--hide-names", "--hide-rare-paths"])
def test_more_is_hidden_only_with_the_rest(log: Path, option: str) -> None:
    found = CliRunner().invoke(app_of(), ["summarize", str(log), option])

    assert found.exit_code == 2
    assert f"{option} hides more than --anonymize: give both" in found.stderr


def test_every_secret_is_in_the_log_and_most_are_shown_without_the_option(log: Path) -> None:
    """Else the test above would test nothing."""
    text = log.read_text(encoding="utf-8")
    shown = _run("lines", log, "--where", "kind IS NOT NULL")

    missing = [name for name, secret in SECRETS.items() if secret not in text]
    assert missing == ["condition"]
    assert set(SECRETS) - {name for name, secret in SECRETS.items() if secret in shown} == {
        "condition", "malformed line", "line of another program",
    }  # fmt: skip


def test_a_client_has_one_token_in_all_columns_and_outputs(log: Path, tmp_path: Path) -> None:
    page = _unpacked(_run("report", log, "--anonymize", key=KEY))
    clients = json.loads(
        _run("summarize", log, "--anonymize", "-f", "json", "--by", "client", key=KEY)
    )["by"]["client"]
    lines = [
        json.loads(line)
        for line in _run(
            "lines", log, "--anonymize", "--bare", "--client", SECRETS["client"], key=KEY
        ).splitlines()
    ]

    (token,) = {line["x_forwarded_for"].rsplit(",", 1)[-1] for line in lines}
    assert {line.get("downstream_remote_address", token) for line in lines} == {token}
    assert re.fullmatch(r"client-[0-9a-f]{16}", token)
    assert [row["requests"] for row in clients if row["client"] == token] == [len(lines)]
    assert token in page
    _run("summarize", log, "--anonymize", "--save-tally", tmp_path / "a.tally", key=KEY)
    assert token in _values_of(tmp_path / "a.tally")


def test_an_address_of_ipv6_is_the_same_with_and_without_brackets(log: Path) -> None:
    rows = _run(
        "summarize", log, "--anonymize", "-f", "csv", "--by", "client", "--code", "503",
        "--where", f"client LIKE '%{SECRETS['client of IPv6']}%'",
    )  # fmt: skip

    header, *clients = rows.splitlines()
    assert header.startswith("client,")
    assert len(clients) == 1


def test_runs_without_a_key_differ_and_runs_with_one_agree(log: Path) -> None:
    def shown(key: str | None) -> str:
        return _run("summarize", log, "--anonymize", "-f", "csv", "--by", "client", key=key)

    assert shown(None) != shown(None)
    assert shown(KEY) == shown(KEY)
    assert shown(KEY) != shown(OTHER_KEY)


def test_the_key_is_in_no_output(log: Path, tmp_path: Path) -> None:
    state = tmp_path / "a.state"
    shown = _run("summarize", log, "--anonymize", "--state", state, "-f", "json", key=KEY)

    assert KEY not in shown + _values_of(state)
    assert KEY not in _run("summarize", "--show-config", "--anonymize", key=KEY)


def test_hosts_that_are_routed_keep_their_names(log: Path) -> None:
    found = json.loads(_run("summarize", log, "--anonymize", "-f", "json"))

    authorities = {row["authority"] for row in found["by"]["authority"]} - {None}
    assert "shop.example.com" in authorities
    others = authorities - {"shop.example.com"}
    assert all(re.fullmatch(r"(host|address)-[0-9a-f]{16}(:\d+)?", name) for name in others)
    assert any(name.startswith("address-") for name in others)
    assert found["anonymized"] is True


def test_an_unrouted_record_of_a_routed_host_has_its_name_in_lines_too(log: Path) -> None:
    lines = _run("lines", log, "--anonymize", "--bare", "--outcome", "no_route").splitlines()

    hosts = {json.loads(line)["authority"] for line in lines}
    assert "shop.example.com" in hosts


# --- What is counted is what is counted without ------------------------------------------------

_TOKEN = re.compile(r"[a-z]+-[0-9a-f]{16}")
_NUMBERS = ("requests", "share", "unrouted", "errors", "bytes_sent", "bytes_received", "latency_ms")
_LOGS = sorted(
    path for path in SAMPLES.rglob("*") if path.is_file() and path.suffix in {".log", ".json"}
    and "manifests" not in path.parts and "article" not in path.parts
)  # fmt: skip


def _summary(log: Path, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_run("summarize", log, "-f", "json", *options))
    return found


@pytest.mark.parametrize("log", _LOGS, ids=lambda log: str(log.relative_to(SAMPLES)))
def test_numbers_and_findings_are_those_without_the_option(log: Path) -> None:
    by = ("--by", "client,path_group")
    plain, shared = _summary(log, *by), _summary(log, *by, "--anonymize")

    assert shared["overview"] == plain["overview"]
    assert shared["timeline"] == plain["timeline"]
    assert shared["folded"] == plain["folded"]
    for column, rows in plain["by"].items():
        assert _counts(shared["by"][column]) == _counts(rows), column
    for table in ("groups", "rejections", "splits"):
        assert _counts(shared[table]) == _counts(plain[table]), table
    told = ("code", "severity", "who", "requests", "of", "clients_at_least", "since", "until",
            "state", "gateways", "upstream_hosts")  # fmt: skip
    assert [[f[name] for name in told] for f in shared["findings"]] == [
        [f[name] for name in told] for f in plain["findings"]
    ]


def _counts(rows: list[dict[str, Any]]) -> list[str]:
    """Return the numbers of rows, in an order that does not depend on names."""
    kept = ({name: row[name] for name in _NUMBERS if name in row} for row in rows)
    return sorted(json.dumps(row, sort_keys=True) for row in kept)


@pytest.mark.parametrize("log", _LOGS[:3], ids=lambda log: str(log.relative_to(SAMPLES)))
def test_path_groups_and_operators_names_are_those_without_the_option(log: Path) -> None:
    by = ("--by", "path_group,route_name,upstream_cluster,upstream_host,gateway")
    column = by[1]
    plain, shared = _summary(log, *by), _summary(log, *by, "--anonymize")

    def rows(found: dict[str, Any]) -> list[str]:
        return sorted(json.dumps(row) for row in found["by"][column])

    differ = [row for row in rows(shared) if row not in rows(plain)]
    assert all("{email:" in row or "{token:" in row for row in differ), differ


# --- What can't be anonymized is refused --------------------------------------------------------


def _refused(*arguments: str | Path, key: str | None = None) -> str:
    environment = {} if key is None else {KEY_VARIABLE: key}
    found = CliRunner().invoke(app_of(), list(map(str, arguments)), env=environment)
    assert found.exit_code != 0
    return f"{found.stderr} {found.exception}"


def test_a_state_needs_a_key_and_keeps_to_it(log: Path, tmp_path: Path) -> None:
    state = tmp_path / "a.state"
    arguments = ("summarize", log, "--state", state)
    assert KEY_VARIABLE in _refused(*arguments, "--anonymize")
    assert not state.exists()

    first = _run(*arguments, "--anonymize", "-f", "json", key=KEY)

    assert "--anonymize (key" in _refused(*arguments, "--anonymize", key=OTHER_KEY)
    assert "--no-anonymize" in _refused(*arguments)
    again = _run(*arguments, "--anonymize", "-f", "json", key=KEY)
    assert json.loads(again)["by"] == json.loads(first)["by"]


def test_a_host_that_is_routed_in_a_later_run_gets_its_name(tmp_path: Path) -> None:
    state, log = tmp_path / "a.state", tmp_path / "gateway.log"
    arguments = ("summarize", log, "--state", state, "--anonymize", "-f", "json")
    lines = [json.dumps(record(**NO_ROUTE)), json.dumps(record())]
    log.write_text(f"{lines[0]}\n", encoding="utf-8")
    before = json.loads(_run(*arguments, key=KEY))["by"]["authority"]
    log.write_text(f"{lines[0]}\n{lines[1]}\n", encoding="utf-8")

    after = json.loads(_run(*arguments, key=KEY))["by"]["authority"]

    assert [(row["authority"].partition("-")[0], row["requests"]) for row in before] == [
        ("host", 1)
    ]
    assert [(row["authority"], row["requests"]) for row in after] == [("shop.example.com", 2)]


def test_rejected_lines_can_not_be_anonymized(log: Path, tmp_path: Path) -> None:
    for command in ("summarize", "report"):
        told = _refused(command, log, "--anonymize", "--rejects", tmp_path / "rejects")
        assert "--rejects" in told
    assert not (tmp_path / "rejects").exists()


def test_a_short_key_is_refused(log: Path) -> None:
    assert KEY_VARIABLE in _refused("summarize", log, "--anonymize", key="short")


def test_saved_tallies_of_two_keys_or_without_one_are_not_added(log: Path, tmp_path: Path) -> None:
    plain, one, other = (tmp_path / name for name in ("plain", "one", "other"))
    _run("summarize", log, "--save-tally", plain)
    _run("summarize", log, "--anonymize", "--save-tally", one, key=KEY)
    _run("summarize", log, "--anonymize", "--save-tally", other)

    for some in ((plain, one), (one, other)):
        assert "can't be added" in _refused("merge", *some, "-o", tmp_path / "sum")
    assert "can't be added" in _refused("summarize", one, log)
    assert "can't be anonymized" in _refused("summarize", plain, "--anonymize")
    assert "can't be undone" in _refused("summarize", one, "--no-anonymize")
    assert "can't be undone" in _refused("report", one, log, "--no-anonymize")
    assert json.loads(_run("summarize", plain, "-f", "json", "--no-anonymize"))["by"]
    assert json.loads(_run("summarize", one, "-f", "json"))["anonymized"] is True
    assert json.loads(_run("summarize", one, "-f", "json", "--anonymize"))["anonymized"] is True
    _run("merge", one, one, "-o", tmp_path / "sum")


def test_a_source_without_a_record_is_named_without_its_text(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("s3cr3t notes\n", encoding="utf-8")

    told = _refused("summarize", tmp_path / "notes.txt", "--anonymize")

    assert "notes.txt" in told
    assert "s3cr3t" not in told


def test_files_are_shown_without_their_folders(log: Path) -> None:
    found = _summary(log, "--anonymize")

    (source,) = found["accounts"]["sources"]
    assert re.fullmatch(r"folder-[0-9a-f]{16}/gateway\.log", source["source"])
    assert {example["text"] for example in found["accounts"]["examples"]} == {None}
