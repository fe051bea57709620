"""Why each request was turned away: what the gateway answered by itself, with its diagnosis."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from envoylogs.envoy.paths import path_group
from envoylogs.envoy.traffic import host_of
from envoylogs.mesh.diagnosis.refusals import Refusal
from envoylogs.mesh.explanation import shortened
from envoylogs.mesh.requests import Request
from envoylogs.tally.folding.marks import FOLDED_MARKS
from envoylogs.tally.turned_away import LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envoylogs.mesh.explanation import Diagnosis, Proof
    from envoylogs.summary.judged import Judged

_AGENT = "user-agent"
_AS_MEANT = {"direct_by_configuration", "refused_by_policy"}
"""Causes of what was configured so: what was not comes first."""

_PATHS_PROVED = 5
"""For so many paths of a host it is said why each has no route."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Requests for one host, or connections for one name, with one cause.

    Attributes:
        host: Authority without its port, or server name of a connection; null for none.
        host_kind: ``authority`` or ``server_name``.
        port: Of the pod; null where it was not logged.
        known: Whether this log routed a request for the host, or the configuration lists it.
        paths: Without queries, those that were asked for most first.
        methods: Likewise.
        server_names: TLS server names that differ from the host.
        outcome: What became of them.
        requests: How many.
        first: Microseconds since 1970; null without times.
        last: Likewise.
        clients_at_least: Examples are kept of a few.
        diagnosis: Why.
    """

    host: str | None
    host_kind: str
    port: int | None
    known: bool
    paths: tuple[str | None, ...]
    methods: tuple[str, ...]
    server_names: tuple[str, ...]
    outcome: str
    requests: int
    first: int | None
    last: int | None
    clients_at_least: int
    diagnosis: Diagnosis


@dataclass(slots=True)
class _Group:
    """What becomes one explanation."""

    diagnosis: Diagnosis
    most: int = 0
    requests: int = 0
    first: int | None = None
    last: int | None = None
    steps: dict[str, Proof] = field(default_factory=dict)
    paths: defaultdict[str | None, int] = field(default_factory=lambda: defaultdict(int))
    methods: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    server_names: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))


def explanations(
    judged: Judged, diagnose: Callable[[Refusal], Diagnosis], lists: Callable[[str], bool]
) -> tuple[Explanation, ...]:
    """Return why requests were turned away, known hosts and then the most requests first.

    Args:
        judged: Of a tally that counts what was turned away.
        diagnose: Says why.
        lists: Tells hosts that the configuration lists.
    """
    groups: dict[tuple[Any, ...], _Group] = {}
    for row in _rows(judged):
        refusal = _refusal(row)
        diagnosis = diagnose(refusal)
        key = (row["kind"], refusal.host, refusal.request.port, row["outcome"],
               *_told_apart(diagnosis))  # fmt: skip
        group = groups.setdefault(key, _Group(diagnosis))
        _add(group, row, refusal, diagnosis)
    known = set(judged.known_names)
    clients = _clients(judged)
    found = []
    for (kind, host, port, outcome, *_), group in groups.items():
        host_kind = "server_name" if kind == "connection" else "authority"
        found.append(
            Explanation(
                host=host,
                host_kind=host_kind,
                port=port,
                known=host is not None and (host in known or lists(host)),
                paths=_most(group.paths),
                methods=_most(group.methods),
                server_names=_most(group.server_names),
                outcome=outcome,
                requests=group.requests,
                first=group.first,
                last=group.last,
                clients_at_least=clients.get((outcome, host_kind, host), 0),
                diagnosis=_with_other_paths(group),
            )
        )
    return tuple(sorted(found, key=_order))


def _with_other_paths(group: _Group) -> Diagnosis:
    """Return what is said of the path that was asked for most, with why others have no route."""
    diagnosis, main = group.diagnosis, _most(group.paths)[:1]
    said = {(step.value, step.says) for step in diagnosis.proof}
    others = tuple(
        step
        for path, step in group.steps.items()
        if (path,) != main and (step.value, step.says) not in said
    )
    if not others:
        return diagnosis
    return replace(diagnosis, proof=(*diagnosis.proof, *others))


def _order(found: Explanation) -> tuple[Any, ...]:
    cause = found.diagnosis
    return (
        not found.known, cause.cause in _AS_MEANT or found.outcome == "direct_response",
        -found.requests, found.host or "",
        found.port or 0, found.outcome, cause.cause, cause.says,
    )  # fmt: skip


def _told_apart(diagnosis: Diagnosis) -> tuple[Any, ...]:
    """Return what requests for one host have in common that are told as one."""
    change = diagnosis.change
    by_path = diagnosis.by_path
    return (
        diagnosis.cause,
        diagnosis.certainty,
        diagnosis.objects,
        diagnosis.says if not by_path else None,
        None if change is None or by_path else change.yaml,
    )


def _add(group: _Group, row: dict[str, Any], refusal: Refusal, diagnosis: Diagnosis) -> None:
    requests = row["requests"]
    path = row.get("path")
    if diagnosis.by_path and path is not None and len(group.steps) < _PATHS_PROVED:
        step = next((each for each in diagnosis.proof if each.field == "match"), None)
        if step is not None:
            group.steps.setdefault(path, replace(step, field=f"match, for {shortened(path)}"))
    if requests > group.most:
        # What is said of the path that was asked for most stands for the others.
        group.most, group.diagnosis = requests, diagnosis
    group.requests += requests
    times = [time for time in (row["first"], group.first) if time is not None]
    group.first = min(times, default=None)
    times = [time for time in (row["last"], group.last) if time is not None]
    group.last = max(times, default=None)
    if not refusal.is_connection:
        group.paths[row["path"]] += requests
    if row["method"] is not None:
        group.methods[row["method"]] += requests
    name = refusal.request.server_name
    if name is not None and name != refusal.host:
        group.server_names[name] += requests


def _most(counts: dict[Any, int]) -> tuple[Any, ...]:
    """Return names, those with the highest counts first."""
    return tuple(sorted(counts, key=lambda name: (-counts[name], name is None, name or "")))


def _rows(judged: Judged) -> Iterator[dict[str, Any]]:
    """Yield what was turned away, those asked for most first, with ``host`` and ``path_group``."""
    spec = judged.tally.spec
    connection = pl.col("kind") == "connection"
    name = pl.col("requested_server_name").str.to_lowercase()
    asked = pl.col("path") if "path" in spec.turned_away else pl.lit(None, pl.String)
    rows = judged.tally.turned_away.frame.with_columns(
        host=pl.when(connection).then(name).otherwise(host_of(pl.col("authority"))),
        path_group=path_group(asked, spec.path_segments),
        requested_server_name=name,
    )
    return rows.sort(
        -pl.col("requests"), pl.exclude("requests", "first", "last"), nulls_last=True
    ).iter_rows(named=True)


def _refusal(row: dict[str, Any]) -> Refusal:
    """Return what is known of a row; what stands for folded names is not known."""
    name, path = _unfolded(row["requested_server_name"]), _unfolded(row.get("path"))
    query, agent = row.get("query"), row.get("user_agent")
    is_connection = row["kind"] == "connection"
    is_cut = path is not None and len(path) >= LONGEST
    has_query = query not in FOLDED_MARKS and not is_cut
    headers = {_AGENT: agent} if agent is not None and agent not in FOLDED_MARKS else {}
    request = Request(
        authority=_unfolded(row["authority"]),
        path=None if path is None else f"{path}{query or ''}" if has_query else path,
        method=_unfolded(row["method"]),
        port=row["listener_port"],
        server_name=name,
        tls=True if name is not None else None,
        query_known=query is not None and has_query,
        headers=headers,
        absent=frozenset({_AGENT}) if "user_agent" in row and agent is None else frozenset(),
        is_path_cut=is_cut,
    )
    return Refusal(
        request=request,
        host=row["host"],
        outcome=row["outcome"],
        is_connection=is_connection,
        failure=row["failure"],
        code=row["response_code"],
        details=row["response_code_details"],
        route_name=_unfolded(row["route_name"]),
        cluster=_unfolded(row["upstream_cluster"]),
        path_group=row["path_group"],
        gateway=row["gateway"],
        first_us=row["first"],
        last_us=row["last"],
    )


def _unfolded(name: str | None) -> str | None:
    return None if name in FOLDED_MARKS else name


def _clients(judged: Judged) -> dict[tuple[str, str, str | None], int]:
    """Return how many clients at least were refused, by outcome, kind of host and host."""
    connection = pl.col("outcome") == "no_filter_chain"
    host = pl.when(connection).then(pl.col("server_name").str.to_lowercase()).otherwise("host")
    kind = pl.when(connection).then(pl.lit("server_name")).otherwise(pl.lit("authority"))
    counted = judged.evidence.group_by("outcome", kind.alias("kind"), host.alias("of")).agg(
        pl.col("client").n_unique()
    )
    return {(outcome, kind, of): n for outcome, kind, of, n in counted.iter_rows()}
