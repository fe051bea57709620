"""URI templates (``envoy.path.match.uri_template``) as the regular expressions that Envoy makes.

See ``source/extensions/path/uri_template_lib/uri_template_internal.cc`` of Envoy:
``*`` is one segment, ``**`` any number of them, and ``{name=...}`` only names what it holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from envoylogs.mesh.routes.patterns import pattern

_CHARACTERS = "a-zA-Z0-9-._~%!$&'()+,;:@"
"""What the wildcards of all releases cover: the characters of a segment of RFC 3986."""

_MORE_CHARACTERS = "=*"
"""What those of newer releases cover besides (of 1.40 for certain)."""

_TOKEN = re.compile(
    rf"\*\*|\*|/|\{{[A-Za-z][A-Za-z0-9_]*(?:=(?P<parts>[^}}]+))?\}}|(?P<text>[{_CHARACTERS}=]+)"
)


@dataclass(frozen=True, slots=True)
class UriTemplate:
    """A template as two expressions, between which the releases of Envoy are.

    Attributes:
        narrow: What all releases take.
        wide: What the newest one takes.
    """

    narrow: str
    wide: str

    def fits(self, path: str) -> bool | None:
        """Return whether a path without its query fits; null if releases differ in that."""
        wide = pattern(self.wide).covers(path)
        if wide:
            return True if pattern(self.narrow).covers(path) else None
        return wide


@lru_cache(maxsize=10_000)
def uri_template(text: str) -> UriTemplate | None:
    """Return what a template takes; null for one that Envoy refuses."""
    narrow, wide = _expression(text, ""), _expression(text, _MORE_CHARACTERS)
    if narrow is None or wide is None or not text.startswith("/"):
        return None
    return UriTemplate(narrow, wide)


def _expression(text: str, more: str) -> str | None:
    place, parts = 0, []
    while place < len(text):
        token = _TOKEN.match(text, place)
        part = _of_token(token, more) if token else None
        if token is None or part is None:
            return None
        parts.append(part)
        place = token.end()
    return "".join(parts)


def _of_token(token: re.Match[str], more: str) -> str | None:
    text = token[0]
    if text.startswith("{"):
        inner = _expression(token["parts"] or "*", more)
        return None if inner is None else f"(?:{inner})"
    match text:
        case "*":
            return f"[{_CHARACTERS}{more}]+"
        case "**":
            return f"[{_CHARACTERS}{more}/]*"
        case _:
            return re.sub(r"[$()+.]", r"\\\g<0>", text)
