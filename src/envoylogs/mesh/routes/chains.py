"""Which filter chain of a listener takes a connection.

See ``FilterChainManagerImpl::findFilterChain`` in
``source/common/listener_manager/filter_chain_manager_impl.cc`` of Envoy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from envoylogs.mesh.routes.strings import ascii_lower

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.mesh.requests import Request
    from envoylogs.mesh.tables import FilterChain, Listener

_TLS, _PLAIN = "tls", "raw_buffer"
_LATE_CONDITIONS = ("source ", "direct source ")
_ByProtocol = dict[str, list["FilterChain"]]
_Outcome = tuple[list["FilterChain"], bool]
"""Chains that may take a connection, and whether none of them may."""


@dataclass(frozen=True, slots=True)
class ChainChoice:
    """What takes a connection.

    Attributes:
        verdict: ``chain`` if one takes it for certain, ``no_filter_chain`` if none does, so
            that Envoy closes it; ``may`` if it depends on ``why``.
        chain: The one that takes it for certain; null for none.
        possible: All that may take it, in the order of the listener, the default chain last;
            the chain itself if one is certain.
        may_be_closed: Whether there may be none that takes it.
        why: What decides and the log does not hold.
    """

    verdict: Literal["chain", "no_filter_chain", "may"]
    chain: FilterChain | None = None
    possible: tuple[FilterChain, ...] = ()
    may_be_closed: bool = False
    why: tuple[str, ...] = ()


class ListenerMatcher:
    """A listener, ready to be asked many times.

    Args:
        listener: Which.
    """

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self._order = {id(chain): place for place, chain in enumerate(listener.chains)}
        self._early = [chain for chain in listener.chains if _is_early(chain)]
        self._by_name: dict[str, _ByProtocol] = {}
        for chain in listener.chains:
            if not _is_early(chain):
                for key in _keys_of(chain):
                    protocols = self._by_name.setdefault(key, {})
                    protocols.setdefault(chain.transport_protocol, []).append(chain)
        self._of_unknown: ChainChoice | None = None

    def choose(self, request: Request) -> ChainChoice:
        """Return which filter chain takes the connection of a request."""
        if request.server_name:
            return self._chosen([self._outcome(ascii_lower(request.server_name), _TLS)])
        if request.tls is not None:
            return self._chosen([self._outcome("", _TLS if request.tls else _PLAIN)])
        if self._of_unknown is None:
            # Any name may have been asked for, or none.
            outcomes = [_at(protocols, _TLS) for protocols in self._by_name.values()]
            outcomes += [self._outcome("", _PLAIN), self._outcome("", _TLS)]
            outcomes.append((self._early, bool(self._early)))
            self._of_unknown = self._chosen(
                outcomes, "the server name of the TLS handshake, if any"
            )
        return self._of_unknown

    def _outcome(self, name: str, protocol: str) -> _Outcome:
        keys = list(_keys(name))
        found = next((key for key in keys if key in self._by_name), None)
        chains, falls = _at(self._by_name[found] if found is not None else {}, protocol)
        early = [
            chain
            for chain in self._early
            if chain.transport_protocol in {"", protocol} and not _keys_of(chain).isdisjoint(keys)
        ]
        # A chain whose destination fits keeps the connection from all others, also if it
        # does not take it for its name.
        return [*chains, *early], falls or bool(self._early)

    def _chosen(self, outcomes: list[_Outcome], why: str = "") -> ChainChoice:
        unique = {id(chain): chain for chains, _ in outcomes for chain in chains}
        chains = sorted(unique.values(), key=lambda chain: self._order[id(chain)])
        falls = any(falls for _, falls in outcomes)
        default = self.listener.default_chain
        if falls and default is not None:
            chains.append(default)
            falls = False
        if not chains:
            return ChainChoice("no_filter_chain", may_be_closed=True)
        if len(chains) == 1 and not falls:
            return ChainChoice("chain", chains[0], (chains[0],))
        reasons = [why] if why else []
        for chain in [*chains, *self._early]:
            reasons += chain.conditions
        if any(chain.application_protocols for chain in chains):
            reasons.append("the protocols that the TLS handshake offers (ALPN)")
        return ChainChoice("may", None, tuple(chains), falls, tuple(dict.fromkeys(reasons)))


def _keys(name: str) -> Iterator[str]:
    """Return what a server name is looked up by: itself, wildcards from the longest, nothing."""
    yield name
    dot = name.find(".", 1)
    while 0 <= dot < len(name) - 1:
        yield name[dot:]
        dot = name.find(".", dot + 1)
    if name:
        yield ""


def _keys_of(chain: FilterChain) -> set[str]:
    """Return what a chain is found by: ``*.a.com`` is kept as ``.a.com``, no name as nothing."""
    return {ascii_lower(name).removeprefix("*") for name in chain.server_names or ("",)}


def _is_early(chain: FilterChain) -> bool:
    """Return whether a chain asks for what Envoy looks at before the server name.

    That is the destination; where a connection is from comes last. What is not known
    may come at any step, and is taken for the former.
    """
    return not all(each.startswith(_LATE_CONDITIONS) for each in chain.conditions)


def _at(protocols: _ByProtocol, protocol: str) -> _Outcome:
    """Return the chains of a name that may take a connection, and whether none of them may.

    Envoy takes the best at each step and never comes back: where chains have the name,
    those without a name are not asked, even if no chain of the name has the protocol.
    """
    chains = protocols.get(protocol) or protocols.get("", [])
    by_alpn = [chain for chain in chains if chain.application_protocols]
    others = [chain for chain in chains if not chain.application_protocols]
    certain = [chain for chain in others if not chain.conditions]
    conditional = [chain for chain in others if chain.conditions]
    # One condition is met or not; of several, the first can keep the connection from the
    # others, as can an offered protocol.
    falls = (
        not certain
        or any(len(chain.conditions) > 1 for chain in conditional)
        or any(chain.conditions for chain in by_alpn)
    )
    return [*by_alpn, *conditional, *certain[:1]], falls
