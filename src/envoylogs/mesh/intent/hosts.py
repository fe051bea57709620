"""Hosts of Gateways and routes: short names, and what two lists of hosts have in common.

As ``pkg/config/host/name.go`` and ``names.go`` of Istio have it: a wildcard is a ``*`` at
the start, and takes what ends as it does; ``*.a.com`` takes several labels, and not ``a.com``.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_left
from collections.abc import Iterable  # noqa: TC003

_MOST_LISTED = 5


def is_wildcard(host: str) -> bool:
    """Return whether a host stands for several."""
    return host.startswith("*")


def is_covered(host: str, by: str) -> bool:
    """Return whether all that one host stands for is what another stands for."""
    if not is_wildcard(by):
        return host == by
    if is_wildcard(host):
        return len(host) >= len(by) and host.endswith(by[1:])
    return host.endswith(by[1:])


def expanded(host: str, namespace: str, domain: str) -> str:
    """Return the full name of a host of a VirtualService or a destination.

    A name without a dot is a Service of the object's own namespace
    (``ResolveShortnameToFQDN`` in ``pilot/pkg/model/config.go``). An address is none:
    only version 6 has no dot.
    """
    if not host or host == "*" or "." in host or (":" in host and _is_address(host)):
        return host
    return f"{host}.{namespace}.svc.{domain}"


def listed(hosts: Iterable[str]) -> str:
    """Return hosts as they stand in a sentence: the first few, and how many there are besides."""
    each_once = list(dict.fromkeys(hosts))
    more = len(each_once) - _MOST_LISTED
    shown = ", ".join(each_once[:_MOST_LISTED])
    return f"{shown} and {more} more" if more > 0 else shown


def gateway_key(reference: str, namespace: str) -> str:
    """Return the Gateway that a VirtualService means, as ``namespace/name``.

    A short name means its own namespace, and the old form ``name.namespace.svc...`` still
    holds (``resolveGatewayName`` in ``pilot/pkg/model/config.go``).
    """
    before, slash, after = reference.partition("/")
    if slash:
        return f"{namespace}/{after}" if before == "." else reference
    name, dot, rest = reference.partition(".")
    return f"{rest.partition('.')[0]}/{name}" if dot else f"{namespace}/{name}"


class HostIndex:
    """The hosts of a server, to be intersected with those of many routes."""

    __slots__ = ("_exact", "_odd", "_reversed", "_suffixes")

    def __init__(self, hosts: Iterable[str]) -> None:
        each_once = list(dict.fromkeys(hosts))
        self._exact = {host for host in each_once if not is_wildcard(host)}
        self._suffixes = {host[1:] for host in each_once if is_wildcard(host)}
        # What is no "*" or "*.name" is refused by Istio's validation, and is rare.
        self._odd = [suffix for suffix in self._suffixes if suffix and suffix[0] != "."]
        self._reversed = sorted((_name(host)[::-1], host) for host in each_once)

    def covers(self, host: str) -> bool:
        """Return whether a host of the server stands for all of what another stands for."""
        return host in self._exact or bool(self._covering(host))

    def intersection(self, hosts: Iterable[str]) -> tuple[str, ...]:
        """Return the hosts that both sides cover, each once.

        Of each pair that is the narrower one, so that beside a wildcard of one side stand
        the names of the other that it covers.
        """
        common: dict[str, None] = {}
        for host in hosts:
            if self.covers(host):
                common[host] = None
            if is_wildcard(host):
                common.update(dict.fromkeys(self._covered_by(host)))
        return tuple(common)

    def overlapping(self, hosts: Iterable[str]) -> set[str]:
        """Return those hosts of the index that share a name with one of ``hosts``."""
        found: set[str] = set()
        for host in hosts:
            if is_wildcard(host):
                found.update(self._covered_by(host))
            elif host in self._exact:
                found.add(host)
            found.update(self._covering(host))
        return found

    def _covering(self, host: str) -> list[str]:
        name = _name(host)
        found = [f"*{suffix}" for suffix in self._odd if name.endswith(suffix)]
        if "" in self._suffixes:
            found.append("*")
        dot = name.find(".")
        while dot != -1:
            if name[dot:] in self._suffixes:
                found.append(f"*{name[dot:]}")
            dot = name.find(".", dot + 1)
        return found

    def _covered_by(self, wildcard: str) -> list[str]:
        start = _name(wildcard)[::-1]
        first = bisect_left(self._reversed, (start, ""))
        covered = []
        for name, host in self._reversed[first:]:
            if not name.startswith(start):
                break
            if is_covered(host, wildcard):
                covered.append(host)
        return covered


def _name(host: str) -> str:
    """Return a host without the ``*`` of a wildcard."""
    return host[1:] if is_wildcard(host) else host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
