"""Findings that the configuration proves, and proof and change for those of the log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.harm import Actor
from envoylogs.envoy.outcomes import UNROUTED
from envoylogs.summary.findings.changed_before import changed_before, changes_of
from envoylogs.summary.findings.conditions import unrouted_of, within
from envoylogs.summary.findings.finding import (
    MOST_SUBJECTS,
    Finding,
    Severity,
    ranked,
    severity_of,
)
from envoylogs.summary.findings.proof import listed, sum_of, unrouted_rows
from envoylogs.summary.findings.timelines import between
from envoylogs.summary.in_words import counted
from envoylogs.tally.folding.marks import FOLDED_MARKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envoylogs.mesh.explanation import Change
    from envoylogs.mesh.mesh import Mesh
    from envoylogs.summary.explanations import Explanation
    from envoylogs.summary.findings.changed_before import ObjectChange
    from envoylogs.summary.findings.whole_log import WholeLog

_OF_CLUSTERS = {"no_cluster", "no_endpoints"}
_OUTCOMES_OF = {
    **dict.fromkeys(
        ("lost_host", "lost_route", "unrouted_host", "unrouted_path", "tls_reuse"), UNROUTED
    ),
    **dict.fromkeys(("lost_tls_name", "connections_refused"), ("no_filter_chain",)),
    **dict.fromkeys(
        ("faults_injected", "gateway_errors", "refused_jump"),
        ("direct_response", "fault_injected", "blocked"),
    ),
}
"""What became of the requests that findings about hosts are of."""

_HOST_CAUSES = {
    "no_gateway_for_host", "gateway_without_virtualservice", "host_not_in_virtualservice",
    "virtualservice_not_bound", "gateway_reference_wrong", "gateway_selects_other_pods",
    "gateway_host_scope", "wildcard_does_not_cover", "port_not_served", "port_in_host", "shadowed",
}  # fmt: skip
"""Causes for which no request of a host has a route."""

_TAKEN_US = 60 * 1_000_000
"""So long after a change every gateway should have taken it."""

_DENIALS = {"policy_denied", "authorization_denied", "token_refused"}


def with_configuration(
    found: Sequence[Finding],
    explanations: Sequence[Explanation],
    log: WholeLog,
    mesh: Mesh,
    configured_hosts: Sequence[str],
) -> tuple[Finding, ...]:
    """Return findings with what the configuration proves of them, and those that it adds.

    Args:
        found: Those of the log.
        explanations: Of what the gateway answered by itself.
        log: The log.
        mesh: The configuration.
        configured_hosts: Those that it routes, without wildcards.
    """
    changes = changes_of(mesh)
    proved = [_proved(finding, explanations, changes) for finding in found]
    told = {finding.subject for finding in proved} | {
        member.subject for finding in proved for member in finding.members
    }
    more = [
        *_unrouted(log, explanations, told),
        *_stale(log, explanations, mesh),
        *_silent(log, configured_hosts),
    ]
    return tuple(ranked([*proved, *more]))


def _proved(
    finding: Finding, explanations: Sequence[Explanation], changes: Sequence[ObjectChange]
) -> Finding:
    """Return a finding with proof, change and what was applied just before it began."""
    members = tuple(_proved(member, explanations, changes) for member in finding.members)
    finding = replace(finding, members=members) if members else finding
    explained = _about(finding, explanations) or _first_of_many(finding, explanations)
    if explained is not None:
        finding = _with_proof(finding, explained, is_of_many=explained.host != finding.subject)
    near = changed_before(finding, explained, changes)
    if near:
        said = "; ".join(
            f"{each.changed.name} was changed by {each.changed.changed_by or 'somebody'} at "
            f"{each.changed.changed_at}"
            for each in near
        )
        code = "denied_jump" if _is_denied(finding) else finding.code
        finding = replace(finding, code=code, proof=_joined(finding.proof, f"{said}."))
    return finding


def _is_denied(finding: Finding) -> bool:
    return finding.code == "refused_jump" and finding.failure in _DENIALS


def _with_proof(finding: Finding, explained: Explanation, *, is_of_many: bool = False) -> Finding:
    cause = explained.diagnosis
    change = cause.change
    of_one = f", of {explained.host}" if is_of_many else ""
    return replace(
        finding,
        proof=_joined(
            finding.proof, f"By the configuration ({cause.certainty}{of_one}): {cause.says}"
        ),
        change=None if change is None else f"{_comment(change)}{change.yaml}",
        next=finding.next if change is None else f"Change {change.object}: {change.says}.",
    )


def _comment(change: Change) -> str:
    """Return a line of YAML that says what to change; hosts of strangers stay in it."""
    says = f"{change.object}: {change.says}"
    return f"# {''.join(each if each.isprintable() else ' ' for each in says)}\n"


def _joined(proof: str | None, more: str) -> str:
    if proof is None:
        return more
    return f"{proof}{'' if proof.endswith('.') else '.'} {more}"


def _first_of_many(finding: Finding, explanations: Sequence[Explanation]) -> Explanation | None:
    """Return the explanation that stands for a finding about many hosts; null for one of one."""
    hosts = {member.subject for member in finding.members}
    if not hosts and finding.code != "unrouted_host":
        return None
    if any(each.host == finding.subject for each in explanations):
        return None
    return next(
        (
            each
            for each in explanations
            if each.outcome in UNROUTED
            and each.diagnosis.certainty != "log_only"
            and (not hosts or each.host in hosts)
        ),
        None,
    )


def _about(finding: Finding, explanations: Sequence[Explanation]) -> Explanation | None:
    """Return the explanation of most requests that is about the same; null for none."""
    for found in explanations:
        cause = found.diagnosis
        if cause.certainty == "log_only":
            continue
        if finding.code in _OF_CLUSTERS:
            is_same = found.outcome == finding.code and (
                finding.subject == found.host
                or any(finding.subject in step.says for step in cause.proof)
            )
        else:
            outcomes = _OUTCOMES_OF.get(finding.code, ())
            is_same = finding.subject == found.host and found.outcome in outcomes
        if is_same:
            return found
    return None


def _unrouted(
    log: WholeLog, explanations: Sequence[Explanation], told: set[str]
) -> Iterator[Finding]:
    """Yield hosts that the configuration knows and the gateway never routed."""
    routed = set(log.known_hosts)
    for found in explanations[:MOST_SUBJECTS]:
        cause, host = found.diagnosis, found.host
        if (
            host is None or host in told or host in routed or not found.known
            or found.outcome not in UNROUTED or cause.cause not in _HOST_CAUSES
            or host in FOLDED_MARKS
        ):  # fmt: skip
            continue
        told.add(host)
        rows, witnesses = unrouted_rows(log, host)
        total = int(log.requests_of(host)["requests"].sum())
        finding = Finding(
            code="unrouted_host",
            severity=severity_of(found.requests, total),
            who=Actor.CONFIGURATION,
            subject=host,
            title=f"{host} is configured and never had a route",
            requests=found.requests,
            of=total,
            **witnesses.told(log, rows),
            where=unrouted_of(host),
            proof="No request of the host is routed in this log.",
            next="Compare Gateway, VirtualService and what binds them.",
        )
        yield _with_proof(finding, found)


def _stale(log: WholeLog, explanations: Sequence[Explanation], mesh: Mesh) -> Iterator[Finding]:
    """Yield hosts that the configuration routes and the gateway still turns away."""
    for found in explanations[:MOST_SUBJECTS]:
        cause, host = found.diagnosis, found.host
        if cause.cause != "routed_now" or found.outcome not in UNROUTED or host is None:
            continue
        given = (mesh.find(name) for name in cause.objects)
        dated = [each for each in given if each is not None and each.changed_us is not None]
        newest = max(dated, key=lambda each: each.changed_us or 0, default=None)
        if newest is None or newest.changed_us is None:
            continue
        taken = newest.changed_us + _TAKEN_US
        since = between(log.timelines.requests_of(host), taken, None)
        unrouted = sum_of(since.filter(pl.col("outcome").is_in(UNROUTED)))
        if not unrouted:
            continue
        of_all = sum_of(since)
        yield Finding(
            code="stale_gateway",
            severity=max(severity_of(unrouted, of_all), Severity.HIGH),
            who=Actor.OPERATOR,
            subject=host,
            title=f"{host} is routed by the configuration, and the gateway has not taken it",
            requests=unrouted,
            of=of_all,
            clients_at_least=found.clients_at_least,
            first_seen=found.first,
            where=unrouted_of(host, *within(taken, None)),
            proof=f"{newest.name} was changed by {newest.changed_by or 'somebody'} at "
            f"{newest.changed_at}, and these requests came more than a minute later. {cause.says}",
            next="Has istiod sent it, and did the gateway refuse it: istioctl proxy-status; "
            "kubectl logs -n istio-system deploy/istiod | grep -i reject",
        )


def _silent(log: WholeLog, configured_hosts: Sequence[str]) -> Iterator[Finding]:
    """Yield what the configuration routes and nobody asked for, told as one."""
    asked = set(log.requests["host"].drop_nulls().unique())
    if log.tally.spec.selection is not None or asked & set(FOLDED_MARKS) or not log.total:
        # What was left out or folded may have been asked for.
        return
    asked |= set(log.connections["requested_server_name"].str.to_lowercase().drop_nulls().unique())
    silent = [host for host in configured_hosts if host not in asked]
    if not silent:
        return
    verb = "was" if len(silent) == 1 else "were"
    yield Finding(
        code="silent_host",
        severity=Severity.INFO,
        who=Actor.UNKNOWN,
        subject=silent[0] if len(silent) == 1 else counted(len(silent), "host"),
        title=f"{counted(len(silent), 'configured host')} {verb} never asked for: {listed(silent)}",
        requests=0,
        of=0,
        proof="The configuration routes what is named at this gateway, and no request of the log "
        "is for it.",
        next="Does DNS point to this gateway: dig HOST; is the log of all its pods, and of enough "
        "time? What nobody asks for may be removed.",
    )
