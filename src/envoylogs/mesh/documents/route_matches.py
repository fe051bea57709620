"""What a route of a dump asks of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envoylogs.mesh.documents.nodes import (
    flag_in,
    list_in,
    member,
    number_in,
    object_in,
    text_in,
)
from envoylogs.mesh.documents.value_matches import header_match, query_match, regex_in
from envoylogs.mesh.tables import NamedMatch, RouteMatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envoylogs.mesh.tables import PathKind

_TEXT_PATHS: tuple[tuple[str, PathKind], ...] = (
    ("prefix", "prefix"),
    ("path", "exact"),
    ("path_separated_prefix", "path_separated_prefix"),
)
_DENOMINATORS = {"HUNDRED": 100, "TEN_THOUSAND": 10_000, "MILLION": 1_000_000}
_NUMBERED_DENOMINATORS = ("HUNDRED", "TEN_THOUSAND", "MILLION")

UNKNOWN_PATH = "a condition on the path that this version does not know"


def route_match(given: dict[str, Any]) -> RouteMatch:
    """Return what a route asks of a request.

    What no log holds, or is not known here, becomes a condition in words: a route is
    never taken for one that asks less than it does.
    """
    path_kind, path, unknown = _path(given)
    headers, other_headers = _named(given, "headers", "header", header_match)
    query, other_query = _named(given, "query_parameters", "query parameter", query_match)
    return RouteMatch(
        path_kind=path_kind,
        path=path,
        ignore_case=path_kind != "regex" and member(given, "case_sensitive") is False,
        headers=headers,
        query=query,
        conditions=(*unknown, *other_headers, *other_query, *_conditions(given)),
    )


def percentage(given: dict[str, Any]) -> str:
    """Return a ``FractionalPercent``, or a ``Percent``, in words such as ``12.5 %``."""
    value = member(given, "value")
    if isinstance(value, int | float):
        return f"{value:g} %"
    denominator = member(given, "denominator")
    if isinstance(denominator, int) and 0 <= denominator < len(_NUMBERED_DENOMINATORS):
        denominator = _NUMBERED_DENOMINATORS[denominator]
    parts = _DENOMINATORS.get(str(denominator), 100)
    return f"{(number_in(given, 'numerator') or 0) * 100 / parts:g} %"


def _path(given: dict[str, Any]) -> tuple[PathKind, str, tuple[str, ...]]:
    for name, kind in _TEXT_PATHS:
        value = member(given, name)
        if isinstance(value, str):
            return kind, value, ()
    pattern = regex_in(given, "safe_regex", "regex")
    if pattern is not None:
        return "regex", pattern, ()
    template = text_in(
        object_in(object_in(given, "path_match_policy"), "typed_config"), "path_template"
    )
    if template:
        return "uri_template", template, ()
    if member(given, "connect_matcher") is not None:
        return "connect", "", ()
    return "prefix", "", (UNKNOWN_PATH,)


def _named(
    given: dict[str, Any],
    key: str,
    what: str,
    convert: Callable[[dict[str, Any]], NamedMatch | None],
) -> tuple[tuple[NamedMatch, ...], tuple[str, ...]]:
    """Return conditions that are known, and those that are not in words."""
    known: list[NamedMatch] = []
    unknown: list[str] = []
    for each in list_in(given, key):
        if not isinstance(each, dict):
            continue
        match = convert(each)
        if match is None:
            unknown.append(f"{what} {text_in(each, 'name')} by a matcher that is not known")
        else:
            known.append(match)
    return tuple(known), tuple(unknown)


def _conditions(given: dict[str, Any]) -> Iterator[str]:
    if member(given, "grpc") is not None:
        yield "gRPC requests only"
    if fraction := object_in(given, "runtime_fraction"):
        key = text_in(fraction, "runtime_key")
        share = percentage(object_in(fraction, "default_value"))
        yield f"runtime fraction {share}" + (f" ({key})" if key else "")
    if runtime := object_in(given, "runtime"):
        yield f"runtime fraction {number_in(runtime, 'default_value') or 0} %"
    yield from _of_client_certificate(object_in(given, "tls_context"))
    for matcher in list_in(given, "dynamic_metadata"):
        yield _of_metadata(matcher)
    for matcher in list_in(given, "filter_state"):
        yield f"filter state {text_in(matcher, 'key')}"
    for matcher in list_in(given, "cookies"):
        yield f"cookie {text_in(matcher, 'name')}"


def _of_client_certificate(given: dict[str, Any]) -> Iterator[str]:
    for name in ("presented", "validated"):
        wanted = member(given, name)
        if isinstance(wanted, bool):
            yield f"client certificate {'' if wanted else 'not '}{name}"


def _of_metadata(given: dict[str, Any]) -> str:
    """Return a condition on what filters have noted; that of Istio's JWT filter is a claim."""
    path = [text_in(segment, "key") for segment in list_in(given, "path")]
    inverted = "not " if flag_in(given, "invert") else ""
    if path[:1] == ["payload"]:
        return f"{inverted}claim {'.'.join(path[1:])} of the JWT"
    if path[:1] == ["request.auth.claims"]:
        return f"{inverted}claim {'.'.join(path[1:])} of the JWT"
    if path[:1] and path[0].startswith("request.auth."):
        return f"{inverted}{path[0].removeprefix('request.auth.')} of the JWT"
    return f"{inverted}metadata {text_in(given, 'filter')} {'.'.join(path)}".rstrip()


def chain_conditions(given: dict[str, Any]) -> tuple[str, ...]:
    """Return what a filter chain asks of a connection beside TLS, in words."""
    port = number_in(given, "destination_port")
    said = [] if port is None else [f"destination port {port}"]
    for name, words in (
        ("prefix_ranges", "destination"),
        ("source_prefix_ranges", "source"),
        ("direct_source_prefix_ranges", "direct source"),
    ):
        ranges = [_range(each) for each in list_in(given, name)]
        if ranges:
            said.append(f"{words} {' or '.join(ranges)}")
    source_type = text_in(given, "source_type")
    if source_type not in {"", "ANY"}:
        said.append(f"source type {source_type}")
    ports = [str(each) for each in list_in(given, "source_ports")]
    if ports:
        said.append(f"source port {' or '.join(ports)}")
    return tuple(said)


def _range(given: object) -> str:
    length = number_in(given, "prefix_len") or 0
    return f"{text_in(given, 'address_prefix')}/{length}"
