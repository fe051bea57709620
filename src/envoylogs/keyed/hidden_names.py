"""Names that operators give, as outsiders may see them: tokens in forms that still say something.

A cluster keeps direction, port and subset, an address its port, so splits, findings and ports
are those of the log.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from envoylogs.envoy.identifying import is_plain_word

if TYPE_CHECKING:
    from collections.abc import Callable

OF_OPERATORS = ("subset", "route", "cluster", "gateway")
"""The words of a selection that are about names which operators choose."""

TEXTS = (
    "response_code_details", "connection_termination_details", "upstream_transport_failure_reason",
)  # fmt: skip
"""Columns of texts in which such names may stand."""

# Istio's own names, which are the same everywhere.
_ISTIOS_ROUTES = ("default", "allow_any", "block_all")
_ISTIOS_CLUSTERS = re.compile(
    r"(?:Inbound)?PassthroughCluster(?:Ipv[46])?|BlackHoleCluster|agent|prometheus_stats|sds-grpc"
    r"|xds-grpc|zipkin|encap|main_internal|connect_originate|-"
)
_PARTS = 4
_WITH_PORT = re.compile(r"(.*?)(:\d{1,5})?", re.DOTALL)
_TUNNEL = "envoy://"
_IN_TEXT = re.compile(r"\[[^]]*\]+|spiffe://[^\s,;\"')\]]+|[\w*-]+(?:\.[\w-]+)+")


class HiddenNames:
    """Replaces names that operators give.

    Args:
        token: Returns what stands for a value; is given its kind and it.
    """

    def __init__(self, token: Callable[[str, str], str]) -> None:
        self._token = token
        self.ways: dict[str, Callable[[str], str]] = {
            "route_name": self.route,
            "upstream_cluster": self.cluster,
            "upstream_service": partial(token, "service"),
            "upstream_subset": self._subset,
            "upstream_host": self.address,
            "downstream_local_address": self.address,
            "upstream_local_address": self.address,
            "pod": partial(token, "pod"),
            "namespace": partial(token, "namespace"),
            "gateway": partial(token, "gateway"),
        }

    def route(self, name: str) -> str:
        """Return what stands for the name of a route."""
        return name if name in _ISTIOS_ROUTES else self._token("route", name)

    def cluster(self, name: str) -> str:
        """Return what stands for a cluster, with its direction, port and subset."""
        parts = name.split("|", _PARTS - 1)
        if len(parts) == _PARTS and parts[0].isascii():
            direction, port, subset, service = parts
            protocol, slash, behind = subset.partition("/")
            of_subset = protocol + slash + self._subset(behind) if slash else self._subset(subset)
            hidden = self._token("service", service) if service else ""
            return f"{direction}|{port}|{of_subset}|{hidden}"
        return name if _ISTIOS_CLUSTERS.fullmatch(name) else self._token("cluster", name)

    def address(self, address: str) -> str:
        """Return what stands for an address, with its port."""
        place = address.rfind("/") + 1 if address.startswith(_TUNNEL) else 0
        tunnel, inner = address[:place], address[place:]
        found = _WITH_PORT.fullmatch(inner)
        host, port = (inner, "") if found is None else (found[1], found[2] or "")
        return f"{tunnel}{self._token('address', host)}{port}" if host else address

    def text(self, text: str) -> str:
        """Return a text of a proxy without what it says in brackets, and without names of hosts."""
        return _IN_TEXT.sub(self._of_match, text)

    def _of_match(self, found: re.Match[str]) -> str:
        hidden = self._token("name", found[0])
        return f"[{hidden}]" if found[0].startswith("[") else hidden

    def _subset(self, subset: str) -> str:
        return subset if not subset or is_plain_word(subset) else self._token("subset", subset)
