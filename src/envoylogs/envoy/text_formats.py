"""Which TEXT formats Istio configures, and what an Envoy format string says.

Istio's formats are in ``pilot/pkg/model/telemetry_logging.go`` (1.15 and
later) and ``pilot/pkg/networking/core/v1alpha3`` before; up to 1.0 it left
Envoy's own default. The operators are those of Envoy's
``substitution_formatter``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.envoy.fields import fold
from envoylogs.errors import TextFormatError

_HEAD = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" '
    "%RESPONSE_CODE% %RESPONSE_FLAGS% "
)
_MIXER = '"%DYNAMIC_METADATA(istio.mixer:status)%" '
_REASON = '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" '
_DETAILS = "%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "
_TAIL = (
    "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    '"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" '
    '"%UPSTREAM_HOST%"'
)
_ADDRESSES = (
    " %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% "
    "%DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME%"
)
_ROUTE = " %ROUTE_NAME%"

DEFAULT_FORMATS: dict[str, str] = {
    "Istio 1.9 and later": _HEAD + _DETAILS + _REASON + _TAIL + _ADDRESSES + _ROUTE,
    "Istio 1.3 to 1.7": _HEAD + _MIXER + _REASON + _TAIL + _ADDRESSES + _ROUTE,
    "Istio 1.2": _HEAD + _MIXER + _REASON + _TAIL + _ADDRESSES,
    "Istio 1.8": _HEAD + _REASON + _TAIL + _ADDRESSES + _ROUTE,
    "Istio 1.1": _HEAD + _MIXER + _TAIL + _ADDRESSES,
    "Envoy's default, Istio up to 1.0": _HEAD + _TAIL,
}
"""The formats by who writes them; the longer of two that begin alike stands first."""

_TIME_AND_SPACE, _QUOTE = "[%START_TIME%] ", '"'
FORMATS_WITHOUT_TIME: tuple[str, ...] = tuple(
    text.removeprefix(_TIME_AND_SPACE).removeprefix(quote)
    for quote in ("", _QUOTE)
    for text in DEFAULT_FORMATS.values()
)
"""The same without their beginning, which is what filters and collectors take: the time, or the
time and the quote behind it."""

_PART = re.compile(
    r"""%%
    |%(?P<name>[A-Z][A-Z0-9_]*)
      (?:\((?P<argument>(?:[^()]|\([^()]*\))*)\))?
      (?::\d+)?%
    """,
    re.VERBOSE,
)
_HEADERS_ASKED = frozenset(
    {"authority", "method", "path", "user_agent", "x_forwarded_for", "request_id"}
)
_HEADERS_ANSWERED = frozenset({"upstream_service_time_ms"})
_REQUEST = frozenset({"REQ", "REQUEST_HEADER"})
_RESPONSE = frozenset({"RESP", "RESPONSE_HEADER"})
_KEY_OF_OPERATOR = {
    "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT": "downstream_local_address",
    "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT": "downstream_remote_address",
}
_WITH_ARGUMENT = frozenset({"START_TIME", "PROTOCOL"})
"""Operators that mean the same with an argument, as ``START_TIME(%s)``."""


class Operator(NamedTuple):
    """An operator of a format string.

    Attributes:
        name: Without its argument.
        column: The normalized column that holds its value; None if none does.
        precedence: Its place among the operators of one column, as that of
            the key under which JSON would hold its value.
        has_argument: Whether it was given one, which may change how it writes its value.
    """

    name: str
    column: str | None = None
    precedence: tuple[bool, bool, int] | None = None
    has_argument: bool = False


class TextFormat(NamedTuple):
    """A format string, taken apart.

    Attributes:
        operators: In their order.
        literals: What stands before each of them, and behind the last.
        text: As it was given, without a line end.
    """

    operators: tuple[Operator, ...]
    literals: tuple[str, ...]
    text: str

    @property
    def columns(self) -> list[str]:
        """The normalized columns that it has."""
        columns = (operator.column for operator in self.operators)
        return list(dict.fromkeys(column for column in columns if column is not None))


@lru_cache(maxsize=64)
def parse_format(text: str, keys: FieldKeys = DEFAULT_KEYS) -> TextFormat:
    r"""Take a format string apart.

    Args:
        text: As ``accessLogFormat`` holds it; a line end behind it, as such or
            written ``\n``, does not count.
        keys: Which column the value of an operator or a header is.

    Raises:
        TextFormatError: If no line can be read by it.
    """
    line = text.strip().removesuffix("\\n").strip()
    if "\n" in line:
        raise TextFormatError.of(text, "it has a line end inside; records are one a line")
    operators: list[Operator] = []
    literals: list[str] = []
    found: list[str] = []
    literal, position = "", 0
    for part in _PART.finditer(line):
        literal += _checked(text, line[position : part.start()])
        position = part.end()
        if part["name"] is None:
            literal += "%"
            continue
        if operators and not literal:
            raise TextFormatError.of(
                text, f"nothing stands before {part[0]}, so its value can't be told from the last"
            )
        key = _key(part["name"], part["argument"], keys)
        column, precedence = None, None
        if key is not None:
            column, precedence = keys.column_of(key), keys.precedence(key)
            found.append(key)
        has_argument = part["argument"] is not None
        operators.append(Operator(part["name"], column, precedence, has_argument))
        literals.append(literal)
        literal = ""
    literals.append(literal + _checked(text, line[position:]))
    if not operators:
        raise TextFormatError.of(text, "it has no operator such as %RESPONSE_CODE%")
    if not keys.is_record(dict.fromkeys(found)):
        raise TextFormatError.of(
            text, "it has no %RESPONSE_CODE% or another operator that tells an access record"
        )
    return TextFormat(tuple(operators), tuple(literals), line)


def _checked(text: str, literal: str) -> str:
    """Return a literal, which can't hold a percent sign alone."""
    if "%" in literal:
        shown = literal[literal.index("%") :][:20]
        raise TextFormatError.of(text, f"no operator can be read at {shown!r}; %% is a percent")
    return literal


def _key(name: str, argument: str | None, keys: FieldKeys) -> str | None:
    """Return the key under which JSON would hold the value of an operator; None if no column is."""
    mapped = {fold(key) for key, _ in keys.mapped}
    if name in _REQUEST | _RESPONSE:
        known = _HEADERS_ASKED if name in _REQUEST else _HEADERS_ANSWERED
        # REQ(X?Y) is Y where there is no X.
        headers = (argument or "").lower().split("?")
        return next(
            (key for key in headers if fold(key) in mapped or keys.column_of(key) in known), None
        )
    if name == "ENVIRONMENT":
        key = (argument or "").lower()
        return key if fold(key) in mapped or keys.column_of(key) == "pod" else None
    if argument is not None and name not in _WITH_ARGUMENT:
        return None
    key = _KEY_OF_OPERATOR.get(name, name.lower())
    return key if keys.column_of(key) else None
