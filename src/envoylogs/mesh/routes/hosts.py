"""Which virtual host of a table takes a host.

See ``RouteMatcher::findVirtualHost`` in ``source/common/router/config_impl.cc`` and
``HeaderUtility::getPortStart`` in ``source/common/http/header_utility.cc`` of Envoy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.routes.strings import ascii_lower

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.mesh.tables import RouteTable, VirtualHost

_Found = tuple["VirtualHost", str]
"""A virtual host, and the one of its domains that takes the host."""


class HostIndex:
    """The domains of a table, to be looked up.

    Attributes:
        duplicates: Domains that stand twice, in lower case and in order: with one of
            them, Envoy refuses the whole table. Here the first one counts.

    Args:
        table: Whose.
    """

    def __init__(self, table: RouteTable) -> None:
        self._ignore_port = table.ignore_port
        self._exact: dict[str, _Found] = {}
        suffixes: dict[int, dict[str, _Found]] = {}
        prefixes: dict[int, dict[str, _Found]] = {}
        self._any: _Found | None = None
        duplicates: list[str] = []
        for virtual_host in table.virtual_hosts:
            for domain in virtual_host.domains:
                found, key = (virtual_host, domain), ascii_lower(domain)
                if key == "*":
                    known = self._any is not None
                    self._any = self._any or found
                    if known:
                        duplicates.append(key)
                    continue
                if key.startswith("*"):
                    text = key[1:]
                    place = suffixes.setdefault(len(text), {})
                elif key.endswith("*"):
                    text = key[:-1]
                    place = prefixes.setdefault(len(text), {})
                else:
                    text, place = key, self._exact
                if place.setdefault(text, found) is not found:
                    duplicates.append(key)
        self._suffixes = sorted(suffixes.items(), reverse=True)
        self._prefixes = sorted(prefixes.items(), reverse=True)
        self.duplicates = tuple(dict.fromkeys(duplicates))

    @property
    def takes_any(self) -> bool:
        """Whether there is no domain but ``*``, so that no host is looked at."""
        return not (self._exact or self._suffixes or self._prefixes)

    def find(self, host: str | None) -> _Found | None:
        """Return the virtual host that takes a host, and by which domain.

        Exact domains come first, then ``*suffix``, then ``prefix*``, in each the longest
        one first, then ``*``. A wildcard stands for one character or more. Envoy never
        falls through to a wider virtual host if no route of this one fits.

        Args:
            host: With its port; null for none, which only a table takes whose sole domain is ``*``.
        """
        return next(self.covering(host), None)

    def covering(self, host: str | None) -> Iterator[_Found]:
        """Yield every virtual host that a host fits; the first one takes it, see ``find``."""
        if self.takes_any or host is None:
            if self._any is not None and self.takes_any:
                yield self._any
            return
        host = ascii_lower(without_port(host) if self._ignore_port else host)
        found = self._exact.get(host)
        if found is not None:
            yield found
        for by_length, is_suffix in ((self._suffixes, True), (self._prefixes, False)):
            for length, domains in by_length:
                if length < len(host):
                    part = host[len(host) - length :] if is_suffix else host[:length]
                    found = domains.get(part)
                    if found is not None:
                        yield found
        if self._any is not None:
            yield self._any


def without_port(host: str) -> str:
    """Return a host without what follows its last colon, be it a number or not.

    The colons of an IPv6 address in brackets are no port.
    """
    colon = host.rfind(":")
    return host if colon < 0 or colon < host.rfind("]") else host[:colon]
