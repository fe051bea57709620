"""Parts of YAML to paste.

Hosts and paths come from a log, where strangers write them: each is quoted unless it is plain.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Begins with a letter, and no word of it is one that YAML 1.1 reads as something else.
_PLAIN = re.compile(r"(?!(?i:true|false|yes|no|on|off|null|y|n)$)[A-Za-z][A-Za-z0-9./-]*")
_PATH = re.compile(r"/[A-Za-z0-9._/-]*")
_MOST_HOSTS = 20
_SIXTEEN_BITS = 0xFFFF


def scalar(text: str) -> str:
    """Return a text as a YAML scalar, quoted unless it is plain."""
    is_plain = _PLAIN.fullmatch(text) or _PATH.fullmatch(text)
    if is_plain:
        return text
    # JSON writes what is beyond 16 bits as two halves, which YAML does not put together.
    escaped = (
        f"\\U{ord(each):08x}" if ord(each) > _SIXTEEN_BITS else json.dumps(each)[1:-1]
        for each in text
    )
    return f'"{"".join(escaped)}"'


def listing(field: str, values: Iterable[str], indent: int) -> str:
    """Return a list as a field, indented by so many spaces; of a long one its end."""
    space = " " * indent
    shown = list(dict.fromkeys(values))
    lines = [f"{space}{field}:", *(f"{space}- {scalar(value)}" for value in shown[-_MOST_HOSTS:])]
    if len(shown) > _MOST_HOSTS:
        lines.insert(1, f"{space}# and the {len(shown) - _MOST_HOSTS} that there are before these")
    return "\n".join(lines) + "\n"
