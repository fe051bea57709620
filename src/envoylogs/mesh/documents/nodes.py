"""Values of a document, of which those in JSON are decoded one level at a time.

A dump of a proxy may be as large as all memory that is left. Its levels above a
virtual host, a listener or an object are decoded to their extents alone, and one
of these at a time is decoded whole.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

import msgspec
import orjson

Node: TypeAlias = "msgspec.Raw | Any"
"""A value: undecoded JSON, or what a parser made of it."""

_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SPACE = b" \t\r\n"


def members(node: Node) -> dict[str, Node]:
    """Return the members of an object by their keys; none of what is no object."""
    if isinstance(node, msgspec.Raw):
        return _OBJECT.decode(node) if _first(node) == b"{" else {}
    return node if isinstance(node, dict) else {}


def entries(node: Node) -> list[Node]:
    """Return the entries of a list in their order; none of what is no list."""
    if isinstance(node, msgspec.Raw):
        return _LIST.decode(node) if _first(node) == b"[" else []
    return node if isinstance(node, list) else []


def is_object(node: Node) -> bool:
    """Tell whether a value is an object."""
    return _first(node) == b"{" if isinstance(node, msgspec.Raw) else isinstance(node, dict)


def is_list(node: Node) -> bool:
    """Tell whether a value is a list."""
    return _first(node) == b"[" if isinstance(node, msgspec.Raw) else isinstance(node, list)


def whole(node: Node) -> Any:  # noqa: ANN401 - values of JSON are of any type
    """Return a value decoded to its depth.

    Raises:
        ValueError: If a text in it is no UTF-8, or a number of it is beyond all bounds.
    """
    return orjson.loads(memoryview(node)) if isinstance(node, msgspec.Raw) else node


def _first(node: msgspec.Raw) -> bytes:
    """Return the first byte of undecoded JSON, which may have space before it."""
    view = memoryview(node)
    return next((byte for each in view if (byte := bytes((each,))) not in _SPACE), b"")


def member(node: Node, name: str) -> Node:
    """Return a member of an object; null if it has none of that name.

    Args:
        node: Any value.
        name: As Envoy's own dump spells it, with underscores; ``istioctl`` spells it in camel case.
    """
    if not isinstance(node, dict):
        return None
    value = node.get(name)
    return node.get(camel(name)) if value is None else value


@cache
def camel(name: str) -> str:
    """Return a name with underscores in camel case."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def object_in(node: Node, name: str) -> dict[str, Any]:
    """Return a member that is an object; an empty one if it is something else."""
    value = member(node, name)
    return value if isinstance(value, dict) else {}


def list_in(node: Node, name: str) -> list[Any]:
    """Return a member that is a list; an empty one if it is something else."""
    value = member(node, name)
    return value if isinstance(value, list) else []


def text_in(node: Node, name: str) -> str:
    """Return a member that is a text; an empty one if it is something else."""
    value = member(node, name)
    return value if isinstance(value, str) else ""


def texts_in(node: Node, name: str) -> tuple[str, ...]:
    """Return the texts of a member that is a list."""
    return tuple(each for each in list_in(node, name) if isinstance(each, str))


def flag_in(node: Node, name: str) -> bool:
    """Tell whether a member is true."""
    return member(node, name) is True


def number_in(node: Node, name: str) -> int | None:
    """Return a member that is a whole number; null if it is something else.

    JSON of Protocol Buffers writes numbers of 64 bits as texts.
    """
    value = member(node, name)
    if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < _LONGEST_NUMBER:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


_LONGEST_NUMBER = 20
