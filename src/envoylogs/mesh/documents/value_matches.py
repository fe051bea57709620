"""Conditions of dumps on headers and query parameters, in all spellings since Envoy's API v2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envoylogs.mesh.documents.nodes import flag_in, member, number_in, object_in, text_in
from envoylogs.mesh.tables import NamedMatch, StringMatch

if TYPE_CHECKING:
    from envoylogs.mesh.tables import StringKind

PRESENT = StringMatch("present")

_STRING_KINDS: tuple[StringKind, ...] = ("exact", "prefix", "suffix", "contains")


def header_match(given: dict[str, Any]) -> NamedMatch | None:
    """Return a condition on a header; null for one of a kind that is not known.

    A condition that says nothing but the name means that the header is there.
    """
    matcher = member(given, "string_match")
    match, invert = (
        (string_match(matcher), False) if isinstance(matcher, dict) else _spelled_in_v2(given)
    )
    if match is None:
        return None
    return NamedMatch(
        name=text_in(given, "name").lower(),
        match=match,
        invert=flag_in(given, "invert_match") != invert,
        missing_as_empty=flag_in(given, "treat_missing_header_as_empty"),
    )


def query_match(given: dict[str, Any]) -> NamedMatch | None:
    """Return a condition on a query parameter; null for one of a kind that is not known."""
    name = text_in(given, "name")
    matcher = member(given, "string_match")
    if isinstance(matcher, dict):
        match = string_match(matcher)
        return None if match is None else NamedMatch(name, match)
    if value := text_in(given, "value"):
        return NamedMatch(name, StringMatch("regex" if flag_in(given, "regex") else "exact", value))
    return NamedMatch(name, PRESENT, invert=member(given, "present_match") is False)


def string_match(given: dict[str, Any]) -> StringMatch | None:
    """Return a ``StringMatcher``; null for one of a kind that is not known."""
    ignore_case = flag_in(given, "ignore_case")
    for kind in _STRING_KINDS:
        value = member(given, kind)
        if isinstance(value, str):
            return StringMatch(kind, value, ignore_case)
    pattern = regex_in(given, "safe_regex", "regex")
    return None if pattern is None else StringMatch("regex", pattern)


def regex_in(given: dict[str, Any], safe: str, old: str) -> str | None:
    """Return a regular expression, from its object or the text that it once was; null for none."""
    pattern = member(object_in(given, safe), "regex")
    if pattern is None:
        pattern = member(given, old)
    return pattern if isinstance(pattern, str) else None


def _spelled_in_v2(given: dict[str, Any]) -> tuple[StringMatch | None, bool]:
    """Return a condition without ``string_match``, and whether it is turned round."""
    for kind in _STRING_KINDS:
        value = member(given, f"{kind}_match")
        if isinstance(value, str):
            # Envoy compares with an empty text only under `string_match`.
            is_empty = kind == "exact" and not value
            return (PRESENT if is_empty else StringMatch(kind, value)), False
    pattern = regex_in(given, "safe_regex_match", "regex_match")
    if pattern is not None:
        return StringMatch("regex", pattern), False
    if interval := object_in(given, "range_match"):
        start, end = number_in(interval, "start") or 0, number_in(interval, "end") or 0
        return StringMatch("range", f"{start},{end}"), False
    if value := text_in(given, "value"):
        return StringMatch("regex" if flag_in(given, "regex") else "exact", value), False
    present = member(given, "present_match")
    known = {"name", "invert_match", "present_match", "treat_missing_header_as_empty"}
    if present is None and not {*map(_snake, given)} <= known:
        return None, False
    return PRESENT, present is False


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)
