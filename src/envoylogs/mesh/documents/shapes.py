"""What members of an object must be, and what is made of those that are something else.

The API server refuses most wrong shapes; files that were never applied hold them. What asks the
objects later can take their shapes for granted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Shape: TypeAlias = "type | list[Shape] | dict[str, Shape]"
"""A type of scalars; a list of one shape for a list of such; members of an object by their
keys, with ``ANY`` for those of all keys. Members that are not named may be anything."""

ANY = "*"

_WORDS: dict[type, str] = {str: "a text", int: "a whole number", bool: "true or false"}
_DIGITS = re.compile(r"[0-9]{1,9}")
_MISSING = object()


def shaped(value: object, shape: Shape, place: str, warn: Callable[[str], None]) -> Any:  # noqa: ANN401 - as the shape is
    """Return a value that has the shape, with as much of the given one as is usable.

    What is null counts as not given. Null is returned if nothing is usable.

    Args:
        value: As parsed.
        shape: What it must be.
        place: Of it in the object, such as ``spec.hosts``.
        warn: Told, without the value, what could not be used or was changed.
    """
    if _fits(value, shape):
        # Nearly all objects do, and are kept as they are.
        return value
    found = _shaped(value, shape, place, warn)
    return None if found is _MISSING else found


def _fits(value: object, shape: Shape) -> bool:
    """Tell whether a value has the shape as it is."""
    if isinstance(shape, dict):
        of_all = shape.get(ANY)
        return isinstance(value, dict) and all(
            each is not None and ((wanted := shape.get(key, of_all)) is None or _fits(each, wanted))
            for key, each in value.items()
        )
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(each, shape[0]) for each in value)
    return type(value) is shape


def _shaped(value: object, shape: Shape, place: str, warn: Callable[[str], None]) -> object:
    if isinstance(shape, type):
        return _scalar(value, shape, place, warn)
    if isinstance(shape, dict):
        return _object(value, shape, place, warn)
    return _list(value, shape, place, warn)


def _object(
    value: object, shape: dict[str, Shape], place: str, warn: Callable[[str], None]
) -> object:
    if not isinstance(value, dict):
        warn(f"{place} is {_kind_of(value)} where an object belongs; it was passed over")
        return _MISSING
    found: dict[str, object] = {}
    for key, each in value.items():
        if each is None:
            # Envoy's `grpc: {}` has no like in these objects: null and not there are one.
            continue
        wanted = shape.get(key, shape.get(ANY))
        if wanted is None:
            found[key] = each
            continue
        # Keys of labels are the user's, names of fields are not.
        kept = _shaped(each, wanted, f"{place}.{key}" if key in shape else place, warn)
        if kept is not _MISSING:
            found[key] = kept
    return found


def _list(value: object, shape: list[Shape], place: str, warn: Callable[[str], None]) -> object:
    if not isinstance(value, list):
        warn(f"{place} is {_kind_of(value)} where a list belongs; it was read as its only entry")
        value = [value]
    found = [
        kept
        for number, each in enumerate(value)
        if (kept := _shaped(each, shape[0], f"{place}[{number}]", warn)) is not _MISSING
    ]
    return found if found or not value else _MISSING


def _scalar(value: object, shape: type, place: str, warn: Callable[[str], None]) -> object:
    if type(value) is shape:
        return value
    if shape is str and isinstance(value, bool | int | float):
        warn(f"{place} is {_kind_of(value)} where a text belongs; put it in quotes")
        return str(value).lower() if isinstance(value, bool) else str(value)
    if shape is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if shape is int and isinstance(value, str) and _DIGITS.fullmatch(value):
        warn(f"{place} is a text where a whole number belongs; take the quotes away")
        return int(value)
    warn(f"{place} is {_kind_of(value)} where {_WORDS[shape]} belongs; it was passed over")
    return _MISSING


def _kind_of(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"
