"""Which objects list a host: exactly, by a wildcard, or nearly."""

from __future__ import annotations

from collections import defaultdict
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_Lister = TypeVar("_Lister")

_NEAREST = 50
"""So many objects of a domain are looked at for the one with the most similar host."""


def parents_of(host: str) -> Iterator[str]:
    """Yield the domains that a host is in, from the longest: what its wildcards end with."""
    dot = host.find(".")
    while dot >= 0:
        yield host[dot + 1 :]
        dot = host.find(".", dot + 1)


class HostIndex(Generic[_Lister]):
    """Objects by the hosts that they list.

    Args:
        listed: Each host as it is written, in any case, with who lists it.
    """

    def __init__(self, listed: Iterable[tuple[str, _Lister]]) -> None:
        self._exact: defaultdict[str, list[_Lister]] = defaultdict(list)
        self._wildcards: defaultdict[str, list[_Lister]] = defaultdict(list)
        self._below: defaultdict[str, list[tuple[str, _Lister]]] = defaultdict(list)
        self.any: list[_Lister] = []
        self.hosts = 0
        for written, lister in listed:
            host = written.lower()
            self.hosts += 1
            if host == "*":
                self.any.append(lister)
            elif host.startswith("*."):
                self._wildcards[host[2:]].append(lister)
                self._below[host[2:]].append((host, lister))
            else:
                self._exact[host].append(lister)
                parent = next(parents_of(host), "")
                self._below[parent].append((host, lister))

    def covering(self, host: str, *, with_any: bool = True) -> list[_Lister]:
        """Return who lists a host, the most specific first."""
        found = list(self._exact.get(host, ()))
        for parent in parents_of(host):
            found += self._wildcards.get(parent, ())
        return [*found, *self.any] if with_any else found

    def listing_wildcard_of(self, domain: str) -> list[_Lister]:
        """Return who lists ``*.domain``, which does not cover the domain itself."""
        return list(self._wildcards.get(domain, ()))

    def near(self, host: str) -> list[_Lister]:
        """Return who lists hosts beside this one, in the same domain, the most similar first."""
        parent = next(parents_of(host), "")
        if "." not in parent:
            return []
        beside = self._below.get(parent, [])[:_NEAREST]
        ranked = sorted(beside, key=lambda found: (-_likeness(found[0], host), found[0]))
        return list(dict.fromkeys(lister for _, lister in ranked))

    def misspelled(self, host: str) -> str | None:
        """Return a host beside this one that may have been meant by it; null for none."""
        parent = next(parents_of(host), "")
        beside = [name for name, _ in self._below.get(parent, [])[:_NEAREST] if "*" not in name]
        nearest = max(beside, key=lambda name: _likeness(name, host), default=None)
        return nearest if nearest and nearest != host and is_misspelled(nearest, host) else None


def spelling_hint(index: HostIndex[Any], host: str) -> str:
    """Return a question to add where a host may be misspelled; empty where none is near."""
    near = index.misspelled(host)
    return "" if near is None else f" There is {near}: is one of both a typing error?"


def is_misspelled(one: str, other: str) -> bool:
    """Tell hosts that differ by a letter or two, as typing errors do, and not by a number."""
    if one.translate(_NO_DIGITS) == other.translate(_NO_DIGITS):
        return False
    label, of_other = one.split(".", 1)[0], other.split(".", 1)[0]
    longest = max(len(label), len(of_other))
    return longest >= _LETTERS and _likeness(label, of_other) >= 1 - 1 / longest


def _likeness(one: str, other: str) -> float:
    """Return how alike two names are, from 0 to 1."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


_LETTERS = 5
_NO_DIGITS = str.maketrans("", "", "0123456789")
