"""What explanations say in words; the same in every renderer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from envoylogs.mesh.explanation import shortened
from envoylogs.render.formatting import clock, day_and_clock, printable
from envoylogs.summary.in_words import counted, listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.mesh.configuration import Configuration
    from envoylogs.mesh.explanation import Diagnosis
    from envoylogs.summary.explanations import Explanation
    from envoylogs.summary.overview import Overview
    from envoylogs.summary.summary import Summary

CERTAINTY = {
    "proved": "PROVED",
    "likely": "LIKELY",
    "log_only": "BY THE LOG ALONE",
}
"""How sure a cause is, in words."""

_BECAME = {
    "no_filter_chain": "refused before a request was read",
    "no_route": "without a route",
    "blackhole": "answered by the blackhole",
    "no_cluster": "sent to a cluster that is not there",
    "no_endpoints": "sent to a cluster without endpoints",
    "direct_response": "answered by the gateway itself",
    "fault_injected": "aborted by a fault rule",
    "blocked": "blocked as an unknown destination",
    "denied": "denied by a policy",
    "rate_limited": "rate limited",
    "client_error": "refused as broken",
    "overflow": "turned away by a limit",
    "dependency_failed": "failed by what the gateway needs",
    "gateway_other": "answered by the gateway itself",
}
_OF_STRANGERS = {
    "not_in_files": "of which the files say nothing",
    "refused_by_policy": "that were refused",
    "direct_by_configuration": "that the gateway answered itself",
}
"""What is said of strangers' hosts by cause; of others that nobody configured them."""
_NAMED = 5
_ON_A_PAGE = 50
"""How many explanations a page has: those of the most requests."""


class Shown(NamedTuple):
    """What people are shown of explanations.

    Attributes:
        told: One by one.
        more: How many others there are of known hosts.
        strangers: What is said of hosts that nobody configured and that were never routed, a
            sentence for each cause.
    """

    told: list[Explanation]
    more: int
    strangers: list[str]


def explanations_shown(summary: Summary, limit: int | None) -> Shown:
    """Return the explanations of known hosts, at most ``limit``, and sentences on strangers.

    Without any known host strangers are told one by one.
    """
    found = summary.explanations
    known = [each for each in found if each.known]
    strangers = [each for each in found if not each.known]
    if not known:
        known, strangers = list(strangers), []
    shown = known[:limit]
    rest = strangers if known is not strangers else []
    return Shown(shown, len(known) - len(shown), _on_strangers(rest))


def nothing_explained(summary: Summary) -> str | None:
    """Return what there is to say where nothing is explained; null where something is."""
    if summary.explanations or not summary.accounts.records:
        return None
    if summary.judged.tally.turned_away.frame.height:
        return "All that the gateway answered by itself is suppressed."
    return "The gateway answered nothing by itself."


def _on_strangers(found: Sequence[Explanation]) -> list[str]:
    """Return a sentence for each cause, with the hosts that were asked for most."""
    by_cause: dict[str, list[Explanation]] = {}
    for each in found:
        by_cause.setdefault(each.diagnosis.cause, []).append(each)
    sentences = []
    for cause, of_cause in by_cause.items():
        hosts = list(dict.fromkeys(each.host for each in of_cause))
        requests = sum(each.requests for each in of_cause)
        named = [printable(shortened(host)) if host else "no host" for host in hosts[:_NAMED]]
        rest = len(hosts) - len(named)
        more = f" and {rest:,} more" if rest else ""
        names = f"{', '.join(named)}{more}" if rest else listing(named)
        sentences.append(
            f"{counted(requests, 'request')} for {counted(len(hosts), 'host')} "
            f"{_OF_STRANGERS.get(cause, 'that nobody configured')} ({cause}): {names}."
        )
    return sentences


def title_of(found: Explanation) -> str:
    """Return who was turned away, how often and how: ``a.com, port 8443: 2 requests ...``."""
    host = "no host" if found.host is None else printable(shortened(found.host))
    noun = "connection" if found.host_kind == "server_name" else "request"
    port = f" on port {found.port}" if found.port is not None else ""
    became = _BECAME.get(found.outcome, found.outcome)
    return f"{host}{port}: {counted(found.requests, noun)} {became}"


def facts_of(found: Explanation, overview: Overview) -> list[str]:
    """Return when, for which paths and methods and for how many clients, each as a few words."""
    one_day = day_and_clock(overview.first)[:10] == day_and_clock(overview.last)[:10]
    show = clock if one_day else day_and_clock
    facts = []
    if found.paths and found.paths != (None,):
        facts.append(f"paths {_some(found.paths)}" if len(found.paths) > 1 else
                     f"path {_some(found.paths)}")  # fmt: skip
    if found.methods and found.methods != ("GET",):
        facts.append(", ".join(map(printable, found.methods[:_NAMED])))
    if found.server_names:
        facts.append(f"TLS server name {_some(found.server_names)}")
    if found.first is not None:
        first, last = show(found.first), show(found.last)
        facts.append(f"at {first}" if first == last else f"{first} to {last}")
    if found.clients_at_least:
        facts.append(f"at least {counted(found.clients_at_least, 'client')}")
    return facts


def _some(names: Sequence[str | None]) -> str:
    shown = ["-" if name is None else printable(shortened(name)) for name in names[:_NAMED]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest > 0 else "")


def now_words(diagnosis: Diagnosis) -> str | None:
    """Return what the configuration given does with the request; null if it can't be said."""
    now = diagnosis.now
    if now is None:
        return None
    why = f" ({printable(now.why)})" if now.why else ""
    if now.routed is False and now.cluster:
        return f"sent to {printable(now.cluster)} by the configuration given, and fails there{why}."
    if now.routed is False:
        return f"not routed by the configuration given{why}."
    where = "".join(
        f" {words} {printable(name)}"
        for words, name in (
            ("by virtual host", now.virtual_host), ("route", now.route), ("to", now.cluster),
        )
        if name
    )  # fmt: skip
    may = "may be routed" if now.routed == "may" else "routed"
    return f"{may} by the configuration given{f':{where}' if where else ''}{why}."


def configuration_words(configuration: Configuration) -> str:
    """Return what was given: ``2 Gateways, 5 VirtualServices, 1 dump``."""
    kinds: dict[str, int] = {}
    for each in configuration.objects:
        kinds[each.kind] = kinds.get(each.kind, 0) + 1
    parts = [counted(n, kind) for kind, n in kinds.items()]
    if configuration.dumps:
        parts.append(counted(configuration.dumps, "dump"))
    skipped = sum(configuration.skipped.values())
    if skipped:
        named = ", ".join(list(configuration.skipped)[:_NAMED])
        parts.append(f"{skipped:,} of other kinds passed over ({printable(named)})")
    if configuration.unread:
        parts.append(f"{counted(len(configuration.unread), 'file')} that could not be read")
    return ", ".join(parts) or "nothing that says how requests are routed"


def explained_for_page(summary: Summary) -> dict[str, Any] | None:
    """Return what a page says of why requests were turned away; null without a configuration."""
    if summary.mesh is None:
        return None
    shown = explanations_shown(summary, _ON_A_PAGE)
    return {
        "nothing": nothing_explained(summary),
        "told": [
            {
                "title": title_of(found),
                "facts": facts_of(found, summary.overview),
                "certainty": found.diagnosis.certainty,
                "certainty_words": CERTAINTY[found.diagnosis.certainty].lower(),
                "cause": found.diagnosis.cause,
                "says": found.diagnosis.says,
                "proof": found.diagnosis.proof,
                "candidates": found.diagnosis.candidates,
                "now": now_words(found.diagnosis),
                "change": found.diagnosis.change,
                "changed": change_words(found, summary),
            }
            for found in shown.told
        ],
        "more": shown.more,
        "strangers": shown.strangers,
        "remarks": summary.remarks[:_ON_A_PAGE],
    }


def change_words(found: Explanation, summary: Summary) -> str | None:
    """Return what to change, and who changed it last; null if nothing is to be changed."""
    change = found.diagnosis.change
    if change is None:
        return None
    who, when = summary.mesh.changed(change.object) if summary.mesh else (None, None)
    last = f" (last changed by {who or 'somebody'} at {when})" if when else ""
    return f"{change.object}{last}: {change.says}"
