"""Which objects list a host: exactly, by a wildcard, or nearly."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_Lister = TypeVar("_Lister")

_LETTERS, _SWAPPED = 5, 2
_MOST_COMPARED, _LONGEST = 10_000, 64
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
        self._by_deletion: defaultdict[str, list[str]] | None = None
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
        ranked = sorted(beside, key=lambda found: (-_shared(found[0], host), found[0]))
        return list(dict.fromkeys(lister for _, lister in ranked))

    def misspelled(self, host: str) -> tuple[str, _Lister] | None:
        """Return a host that may have been meant by another, and who lists it; null for none."""
        if self._by_deletion is None:
            self._by_deletion = defaultdict(list)
            for name in list(self._exact)[:_MOST_COMPARED]:
                for shorter in _deletions(name):
                    self._by_deletion[shorter].append(name)
        for shorter in _deletions(host):
            for name in self._by_deletion.get(shorter, ()):
                if is_misspelled(name, host):
                    return name, self._exact[name][0]
        return None


def _deletions(name: str) -> Iterator[str]:
    """Yield a name, and it without each of its letters: what two names one error apart share."""
    if len(name) <= _LONGEST:
        yield name
        for place in range(len(name)):
            yield name[:place] + name[place + 1 :]


def spelling_hint(index: HostIndex[Any], host: str) -> str:
    """Return a question to add where a host may be misspelled; empty where none is near."""
    near = index.misspelled(host)
    return "" if near is None else f" There is {near[0]}: is one of both a typing error?"


def is_misspelled(one: str, other: str) -> bool:
    """Tell names that differ by one typing error: a letter more, less, another, or two swapped.

    Names that differ by a number, or by their whole first label, are names of their own.
    """
    n = _shared(one, other)
    # The label that differs: short ones are often alike.
    label = min(len(name[name.rfind(".", 0, n) + 1 :].partition(".")[0]) for name in (one, other))
    left, right = one[n:], other[n:]
    n = _shared(left[::-1], right[::-1])
    left, right = left[: len(left) - n], right[: len(right) - n]
    is_one = (len(left) <= 1 and len(right) <= 1) or (left == right[::-1] and len(left) == _SWAPPED)
    return is_one and label >= _LETTERS and (left + right).isalpha()


def _shared(one: str, other: str) -> int:
    """Return how many characters two names begin with alike."""
    n = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        n += 1
    return n
