from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.routing_worlds import random_listener

from envoylogs.mesh.requests import Request
from envoylogs.mesh.routes.chains import ChainChoice, ListenerMatcher
from envoylogs.mesh.tables import FilterChain, Listener


def _chain(
    name: str,
    *server_names: str,
    protocol: str = "",
    alpn: tuple[str, ...] = (),
    conditions: tuple[str, ...] = (),
) -> FilterChain:
    return FilterChain(name, server_names, protocol, alpn, conditions, table=name)


def _choice(
    request: Request, *chains: FilterChain, default: FilterChain | None = None
) -> ChainChoice:
    listener = Listener("0.0.0.0_8443", "0.0.0.0", 8443, chains, default)  # noqa: S104
    return ListenerMatcher(listener).choose(request)


def _tls(server_name: str | None) -> Request:
    return Request(server_name=server_name, tls=True)


_EXACT, _WILD, _WIDE = _chain("exact", "a.com"), _chain("wild", "*.a.com"), _chain("wide", "*.com")
_ANY = _chain("any")


@pytest.mark.parametrize(
    ("server_name", "taken_by"),
    [
        ("a.com", "exact"),
        ("A.COM", "exact"),
        ("x.a.com", "wild"),
        ("x.y.a.com", "wild"),
        ("b.com", "wide"),
        ("b.org", "any"),
        (None, "any"),
    ],
)
def test_the_closest_server_name_wins(server_name: str | None, taken_by: str) -> None:
    found = _choice(_tls(server_name), _ANY, _WIDE, _WILD, _EXACT)

    assert found.verdict == "chain"
    assert found.chain is not None
    assert found.chain.name == taken_by
    assert found.possible == (found.chain,)


def test_a_connection_that_no_chain_takes_is_closed() -> None:
    found = _choice(_tls("b.org"), _EXACT, _WILD)

    assert (found.verdict, found.chain, found.may_be_closed) == ("no_filter_chain", None, True)


def test_the_default_chain_takes_what_is_left() -> None:
    default = _chain("default")

    assert _choice(_tls("b.org"), _EXACT, default=default).chain == default
    assert _choice(_tls("a.com"), _EXACT, default=default).chain == _EXACT


def test_a_name_that_is_taken_never_falls_through_to_chains_without_one() -> None:
    plain = _chain("plain", "a.com", protocol="raw_buffer")

    assert _choice(_tls("a.com"), plain, _ANY).verdict == "no_filter_chain"
    assert _choice(_tls("a.com"), plain, _ANY, default=_WIDE).chain == _WIDE


def test_plain_connections_are_told_from_tls() -> None:
    plain, tls = _chain("plain", protocol="raw_buffer"), _chain("tls", protocol="tls")

    assert _choice(Request(tls=False), plain, tls).chain == plain
    assert _choice(_tls(None), plain, tls).chain == tls
    assert _choice(Request(tls=False), tls).verdict == "no_filter_chain"


def test_a_chain_of_the_protocol_comes_before_one_of_any() -> None:
    tls = _chain("tls", protocol="tls")

    assert _choice(_tls(None), _ANY, tls).chain == tls
    assert _choice(Request(tls=False), _ANY, tls).chain == _ANY


def test_what_the_handshake_offers_is_not_in_the_log() -> None:
    h2, rest = _chain("h2", alpn=("h2",)), _chain("rest")

    both, alone = _choice(_tls(None), h2, rest), _choice(_tls(None), h2)

    assert (both.verdict, both.possible, both.may_be_closed) == ("may", (h2, rest), False)
    assert both.why == ("the protocols that the TLS handshake offers (ALPN)",)
    assert (alone.verdict, alone.possible, alone.may_be_closed) == ("may", (h2,), True)


def test_a_condition_that_the_log_does_not_hold_leaves_it_open() -> None:
    near, far = _chain("near", "a.com", conditions=("source 10.0.0.0/8",)), _chain("far", "a.com")

    found = _choice(_tls("a.com"), near, far, _ANY)

    assert (found.verdict, found.possible, found.may_be_closed) == ("may", (near, far), False)
    assert found.why == ("source 10.0.0.0/8",)
    assert _choice(_tls("b.com"), near, far, _ANY).chain == _ANY


def test_a_chain_of_one_source_keeps_its_name_from_chains_without_one() -> None:
    near = _chain("near", "a.com", conditions=("source 10.0.0.0/8",))
    plain = _chain("plain", "a.com", protocol="raw_buffer", conditions=("source 10.0.0.0/8",))

    found = _choice(_tls("a.com"), near, _ANY)

    assert (found.verdict, found.possible, found.may_be_closed) == ("may", (near,), True)
    assert _choice(_tls("a.com"), plain, _ANY).verdict == "no_filter_chain"


def test_several_conditions_may_keep_a_connection_from_other_chains() -> None:
    near = _chain("near", conditions=("source 10.0.0.0/8", "source port 80"))

    found = _choice(_tls(None), near, _ANY)

    assert (found.verdict, found.possible, found.may_be_closed) == ("may", (near, _ANY), True)


def test_a_destination_is_looked_at_before_the_name() -> None:
    there = _chain("there", "b.com", conditions=("destination 10.0.0.1/32",))

    found = _choice(_tls("a.com"), there, _EXACT)

    # If it was sent there, the chain of its name is not asked.
    assert (found.verdict, found.possible, found.may_be_closed) == ("may", (_EXACT,), True)
    assert found.why == ("destination 10.0.0.1/32",)
    assert _choice(_tls("b.com"), there, _EXACT).possible == (there,)


def test_without_the_server_name_all_chains_are_possible() -> None:
    found = _choice(Request(), _EXACT, _ANY)

    assert (found.verdict, found.possible, found.may_be_closed) == ("may", (_EXACT, _ANY), False)
    assert found.why == ("the server name of the TLS handshake, if any",)


def test_a_chain_for_all_is_certain_without_a_server_name() -> None:
    assert _choice(Request(), _ANY).chain == _ANY


@pytest.mark.property
@given(seed=st.integers(0, 1 << 32), server_name=st.sampled_from((None, "a.com", "x.api.a.com")))
def test_the_order_of_chains_is_nothing(seed: int, server_name: str | None) -> None:
    random = Random(seed)
    listener = random_listener(random, "drawn")
    chains = random.sample(listener.chains, k=len(listener.chains))
    other = replace(listener, chains=tuple(chains))

    here, there = (
        ListenerMatcher(listener).choose(_tls(server_name)),
        ListenerMatcher(other).choose(_tls(server_name)),
    )

    assert (here.verdict, here.chain, set(here.possible)) == (
        there.verdict,
        there.chain,
        set(there.possible),
    )


@pytest.mark.property
@given(seed=st.integers(0, 1 << 32), server_name=st.sampled_from((None, "a.com", "x.api.a.com")))
def test_what_is_certain_is_possible_where_less_is_known(
    seed: int, server_name: str | None
) -> None:
    listener = random_listener(Random(seed), "drawn")

    known, unknown = (
        ListenerMatcher(listener).choose(_tls(server_name)),
        ListenerMatcher(listener).choose(Request()),
    )

    assert set(known.possible) <= set(unknown.possible)
    assert unknown.may_be_closed or not known.may_be_closed
