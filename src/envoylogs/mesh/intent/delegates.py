"""VirtualServices that leave rules to others: what Istio makes of both.

As ``mergeVirtualServices`` in ``pilot/pkg/model/virtualservice_controller.go`` and
``MergeHTTPRoutes`` in ``pilot/pkg/model/virtualservice.go`` have it. A delegate has no
hosts, and its own delegates are not followed, so there are no cycles.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envoylogs.mesh.intent.rules import Match, Rule
    from envoylogs.mesh.objects import ObjectName
    from envoylogs.mesh.tables import StringMatch


def merged_rules(root: Rule, name: ObjectName, delegate: Iterable[Rule]) -> list[Rule]:
    """Return the rules of a delegate under those conditions of the rule that names it.

    A rule whose conditions do not lie within those of the root is left out. The number is
    that of the root; where the rule is written is kept beside it.

    Args:
        root: The rule that delegates.
        name: Of the delegate.
        delegate: Its rules.
    """
    merged = []
    for each in delegate:
        matches = _merged_matches(root.matches, each.matches)
        if matches is None:
            continue
        answer = each.answer
        if answer is None and root.answer is not None and root.answer.kind == "direct_response":
            answer = root.answer
        merged.append(
            replace(
                each,
                number=root.number,
                name=_joined(root.name, each.name),
                matches=matches,
                answer=answer,
                fault=each.fault or root.fault,
                delegate=None,
                written=(name, each.number),
            )
        )
    return merged


def _merged_matches(
    root: tuple[Match, ...], delegate: tuple[Match, ...]
) -> tuple[Match, ...] | None:
    if not root or not delegate:
        return delegate or root
    merged: list[Match] = []
    for each in delegate:
        within = [_merged_match(outer, each) for outer in root if not _conflict(outer, each)]
        if not within:
            return None
        merged += within
    return tuple(replace(each, number=number) for number, each in enumerate(merged))


def _merged_match(root: Match, leaf: Match) -> Match:
    return replace(
        leaf,
        name=_joined(root.name, leaf.name),
        uri=leaf.uri or root.uri,
        scheme=leaf.scheme or root.scheme,
        method=leaf.method or root.method,
        authority=leaf.authority or root.authority,
        headers={**root.headers, **leaf.headers},
        without_headers={**root.without_headers, **leaf.without_headers},
        query={**root.query, **leaf.query},
        port=leaf.port or root.port,
        source_labels={**root.source_labels, **leaf.source_labels},
        source_namespace=leaf.source_namespace or root.source_namespace,
        gateways=leaf.gateways or root.gateways,
    )


def _joined(root: str, leaf: str) -> str:
    return f"{root}-{leaf}" if root and leaf else root or leaf


def _conflict(root: Match, leaf: Match) -> bool:
    pairs = [
        (root.uri, leaf.uri),
        (root.scheme, leaf.scheme),
        (root.method, leaf.method),
        (root.authority, leaf.authority),
        *_pairs(root.headers, leaf.headers),
        *_pairs(root.without_headers, leaf.without_headers),
        *_pairs(root.query, leaf.query),
    ]
    outside = bool(root.gateways and leaf.gateways) and not set(leaf.gateways) <= set(root.gateways)
    return (
        outside
        or root.ignore_case != leaf.ignore_case
        or bool(root.port and leaf.port and root.port != leaf.port)
        or bool(root.source_namespace and leaf.source_namespace != root.source_namespace)
        or any(root.source_labels.get(key, value) != value for key, value in _items(leaf))
        or any(_strings_conflict(outer, inner) for outer, inner in pairs)
    )


def _items(leaf: Match) -> list[tuple[str, str]]:
    return list(leaf.source_labels.items())


def _pairs(
    root: Mapping[str, StringMatch], leaf: Mapping[str, StringMatch]
) -> list[tuple[StringMatch | None, StringMatch | None]]:
    return [(root.get(name), value) for name, value in leaf.items()]


def _strings_conflict(root: StringMatch | None, leaf: StringMatch | None) -> bool:
    if root is None or leaf is None:
        return False
    if root.kind == "exact":
        return leaf.kind != "exact" or leaf.value != root.value
    if root.kind == "prefix" and leaf.kind in {"prefix", "exact"}:
        return not leaf.value.startswith(root.value)
    return True
