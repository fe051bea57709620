"""URI templates (``envoy.path.match.uri_template``) as the regular expressions that Envoy makes.

See ``source/extensions/path/uri_template_lib/uri_template_internal.cc`` of Envoy:
``*`` is one segment, ``**`` any number of them, and ``{name=...}`` only names what it holds.
"""

from __future__ import annotations

import re
from functools import lru_cache

_LITERAL = "a-zA-Z0-9-._~%!$&'()+,;:@"
"""Characters of a segment: those of RFC 3986 without ``*`` and ``=``."""

_SEGMENT = f"[{_LITERAL}]+"
_SEGMENTS = f"[{_LITERAL}/]*"
_VARIABLE = re.compile(r"\{[A-Za-z][A-Za-z0-9_]*(?:=(?P<parts>[^}]+))?\}")
_TEXT = re.compile(f"[{_LITERAL}]+")
_GLOBS = {"*": _SEGMENT, "**": _SEGMENTS}


@lru_cache(maxsize=10_000)
def expression_of(template: str) -> str | None:
    """Return the regular expression of a URI template; null for one that Envoy refuses."""
    if not template.startswith("/"):
        return None
    rest, parts = template[1:], []
    while rest:
        part, rest = _first_part(rest)
        if part is None:
            return None
        parts.append(part)
        if rest == "/":
            parts.append("")
            break
        if rest and not rest.startswith("/"):
            # What follows a glob or a variable directly ends the template: ``/{name}.html``.
            if not _TEXT.fullmatch(rest):
                return None
            parts[-1] += _quoted(rest)
            break
        rest = rest[1:]
    return "/" + "/".join(parts)


def _first_part(rest: str) -> tuple[str | None, str]:
    """Return the expression of the first segment, null for an invalid one, and what follows."""
    if rest.startswith("*"):
        glob = "**" if rest.startswith("**") else "*"
        return _GLOBS[glob], rest[len(glob) :]
    if rest.startswith("{"):
        variable = _VARIABLE.match(rest)
        if variable is None:
            return None, rest
        return _of_variable(variable["parts"]), rest[variable.end() :]
    text = rest.partition("/")[0]
    return (_quoted(text) if _TEXT.fullmatch(text) else None), rest[len(text) :]


def _of_variable(parts: str | None) -> str | None:
    if parts is None:
        return f"(?:{_SEGMENT})"
    expressions = []
    for part in parts.split("/"):
        if part not in _GLOBS and not _TEXT.fullmatch(part):
            return None
        expressions.append(_GLOBS.get(part) or _quoted(part))
    return f"(?:{'/'.join(expressions)})"


def _quoted(text: str) -> str:
    return re.sub(r"[$()+.]", r"\\\g<0>", text)
