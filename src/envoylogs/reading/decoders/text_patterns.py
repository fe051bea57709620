"""A TEXT format as regular expressions: which lines fit it, and the values in them.

A format becomes two patterns. In the exact one no value holds a quote or what
stands behind it, so formats exclude one another but for lines whose values are
empty, of which the first counts. The lenient one is tried on
what is left: values that a client or a policy writes may hold anything, and
the user agent takes as much as it can, since quotes inside it are not escaped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.text_formats import (
    DEFAULT_FORMATS,
    FORMATS_WITHOUT_TIME,
    Operator,
    TextFormat,
    parse_format,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

_NUMBERS = frozenset({"RESPONSE_CODE", "BYTES_RECEIVED", "BYTES_SENT", "DURATION"})
_WRITTEN_BY_OTHERS = frozenset(
    {"REQ", "REQUEST_HEADER", "RESP", "RESPONSE_HEADER", "TRAILER", "RESPONSE_TRAILER",
     "DYNAMIC_METADATA", "START_TIME"}
)  # fmt: skip
"""Operators whose values may hold quotes and spaces: the time if it has a form of its own."""

_ONE_WORD = ("method", "path")
"""Columns whose values may hold quotes and no spaces, which would end them in the request."""

_PLAIN_TIME = r'[^" \t\r]*(?: (?:[0-9]{2}:[0-9:.,]*[A-Z]*|[+-][0-9:]+|[A-Z]{1,5}))*'
"""A time that may have spaces, and no other time in front of it, as ``kubectl`` puts one there."""

_IN_WORDS = "CONNECTION_TERMINATION_DETAILS"
"""The operator whose value may hold spaces and no quotes."""

_SPACES = r"[ \t\r]*"
_NUMBER = "[0-9]+|-"
_META = re.compile(r"[\\.+*?()|\[\]{}^$#&~-]")
_MISSING = ("", "-")

_MOST_GROUPS = 14
"""So many groups and ``rest``: up to 16 in all, an exact pattern takes a line in one pass, which
made taking lines apart 1.8 times as fast."""


@dataclass(frozen=True, slots=True)
class TextPattern:
    """A format as a regular expression.

    Attributes:
        form: The format.
        lenient: Whether values may hold quotes and spaces.
        prefix: Whether another format is this one and one more value, so
            that a space at the end is that value, and empty.
        last_missing: Whether the last value may be missing with its space,
            because something took the spaces from the ends of lines.
    """

    form: TextFormat
    lenient: bool
    prefix: bool = False
    last_missing: bool = False

    def regexes(self, columns: Collection[str] = ()) -> list[str]:
        """Return the expression, with a group for each operator of some columns.

        Args:
            columns: Normalized columns; groups are named ``_0``, ``_1`` and
                so on by the place of the operator.

        Returns:
            One expression, or several, each for the ``rest`` of the last.
        """
        parts, groups = [f"^{_SPACES}"], 0
        *before, behind = self.form.literals
        for place, operator in enumerate(self.form.operators):
            taken = operator.column in columns
            group = f"?P<_{place}>" if taken else "?:"
            literal = _escaped(before[place])
            part = f"{literal}({group}{self._value(place, operator)})"
            if self.lenient and self.last_missing and place == len(before) - 1:
                part = f"(?:{part})?"
            if taken and groups == _MOST_GROUPS and not self.lenient:
                parts[-1] += f"(?P<rest>{literal}.*)$"
                parts.append("^")
                groups = 0
            groups += taken
            parts[-1] += part
        parts[-1] += _escaped(behind) + (r"\r?$" if self.prefix else f"{_SPACES}$")
        return parts

    @property
    def tells_its_beginning(self) -> bool:
        """Whether its first value can't hold what stands in front of a line that fits."""
        first = self.form.operators[0]
        return not self.lenient or first.name not in _WRITTEN_BY_OTHERS or _is_plain_time(first)

    def is_number(self, place: int) -> bool:
        """Tell whether the value at a place is digits, or a dash."""
        return self.form.operators[place].name in _NUMBERS

    def ends(self, place: int) -> str:
        """Return the characters that the value at a place can't hold."""
        before, after = self.form.literals[place], self.form.literals[place + 1]
        operator = self.form.operators[place]
        if self.lenient and operator.name == "START_TIME":
            return "]" if after.startswith("]") else ""
        if self.lenient and operator.name in _WRITTEN_BY_OTHERS:
            return " " if operator.column in _ONE_WORD else ""
        if self.lenient and operator.name == _IN_WORDS:
            return '"'
        # A value between quotes may hold spaces, another one may not.
        end = after[:1] or ('"' if before.endswith('"') else " ")
        return {'"': '"', " ": '" \t\r'}.get(end, f'"{end}')

    def is_short(self, place: int) -> bool:
        """Tell whether the value at a place is as short as the rest of a line lets it be."""
        operator = self.form.operators[place]
        others = operator.name in _WRITTEN_BY_OTHERS and operator.column != "user_agent"
        return self.lenient and (others or operator.name == _IN_WORDS)

    def _value(self, place: int, operator: Operator) -> str:
        if self.is_number(place):
            return _NUMBER
        if self.lenient and _is_plain_time(operator) and not self.ends(place):
            return _PLAIN_TIME
        ends = self.ends(place)
        characters = f"[^{_escaped(ends)}]" if ends else "."
        return characters + ("*?" if self.is_short(place) else "*")


def _is_plain_time(operator: Operator) -> bool:
    """Tell whether an operator is the time without a form of its own."""
    return operator.name == "START_TIME" and not operator.has_argument


def values_of(pattern: TextPattern, lines: pl.Series, columns: Collection[str]) -> list[pl.Series]:
    """Return the values of lines that fit a pattern, as they were logged, by normalized column."""
    names: dict[str, list[str]] = {}
    by_precedence = sorted(
        (operator.precedence, place, operator.column)
        for place, operator in enumerate(pattern.form.operators)
        if operator.precedence is not None
    )
    for _, place, column in by_precedence:
        if column is not None and column in columns:
            names.setdefault(column, []).append(f"_{place}")
    if not names:
        return []
    groups: list[pl.Series] = []
    for regex in _taking(pattern, frozenset(names)):
        groups += lines.str.extract_groups(regex).struct.unnest().get_columns()
        if groups[-1].name == "rest":
            lines = groups.pop()
    return (
        pl.DataFrame(groups)
        .select(_first_present(of_column).alias(column) for column, of_column in names.items())
        .get_columns()
    )


def _first_present(names: list[str]) -> pl.Expr:
    if len(names) == 1:
        return pl.col(names[0])
    return pl.coalesce(pl.when(~pl.col(name).is_in(_MISSING)).then(pl.col(name)) for name in names)


@lru_cache(maxsize=64)
def telling(pattern: TextPattern) -> str:
    """Return the expression that tells whether a line fits a pattern."""
    (regex,) = pattern.regexes()
    return regex


@lru_cache(maxsize=64)
def _taking(pattern: TextPattern, columns: frozenset[str]) -> list[str]:
    return pattern.regexes(columns)


@lru_cache(maxsize=1)
def default_patterns() -> tuple[TextPattern, ...]:
    """Return the exact patterns of all formats, then the lenient ones."""
    return _patterns_of(DEFAULT_FORMATS.values(), (False, True))


@lru_cache(maxsize=1)
def patterns_without_time() -> tuple[TextPattern, ...]:
    """Return the exact patterns of all formats whose time is missing.

    There are no lenient ones: what was cut at a place that a client could choose
    would fit them.
    """
    return _patterns_of(FORMATS_WITHOUT_TIME, (False,))


def _patterns_of(formats: Iterable[str], leniency: Sequence[bool]) -> tuple[TextPattern, ...]:
    forms = [parse_format(text) for text in formats]
    return tuple(
        TextPattern(
            form,
            lenient,
            prefix=any(form.operators == other.operators[:-1] for other in forms),
            # Without details the last value is what tells two formats apart.
            last_missing="response_code_details" in form.columns,
        )
        for lenient in leniency
        for form in forms
    )


def _escaped(literal: str) -> str:
    return _META.sub(r"\\\g<0>", literal)
