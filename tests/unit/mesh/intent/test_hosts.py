from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.mesh.intent.hosts import HostIndex, expanded, gateway_key, is_covered, listed


@pytest.mark.parametrize(
    ("host", "by", "covered"),
    [
        ("a.com", "a.com", True),
        ("a.com", "*.a.com", False),
        ("x.y.a.com", "*.a.com", True),
        ("*.x.a.com", "*.a.com", True),
        ("*.com", "*.a.com", False),
        ("*", "*.com", False),
        ("*", "*", True),
        ("a.com", "*", True),
    ],
)
def test_a_wildcard_covers_what_ends_as_it_does(host: str, by: str, covered: bool) -> None:  # noqa: FBT001
    assert is_covered(host, by) is covered


@pytest.mark.parametrize(
    ("host", "full"),
    [
        ("web", "web.shop.svc.cluster.local"),
        ("web.other", "web.other"),
        ("*", "*"),
        ("::1", "::1"),
        ("10.0.0.1", "10.0.0.1"),
        ("", ""),
    ],
)
def test_only_a_name_without_a_dot_is_a_service_of_the_own_namespace(host: str, full: str) -> None:
    assert expanded(host, "shop", "cluster.local") == full


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("gw", "shop/gw"),
        ("edge/gw", "edge/gw"),
        ("./gw", "shop/gw"),
        ("gw.edge", "edge/gw"),
        ("gw.edge.svc.cluster.local", "edge/gw"),
    ],
)
def test_a_gateway_is_named_in_old_and_new_ways(reference: str, key: str) -> None:
    assert gateway_key(reference, "shop") == key


_names = st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=3).map(".".join)
_hosts = st.one_of(_names, _names.map("*.{}".format), st.just("*"), _names.map("*{}".format))
_host_lists = st.lists(_hosts, max_size=6)


@pytest.mark.property
@given(_host_lists, _host_lists)
def test_the_intersection_is_that_of_each_pair(served: list[str], asked: list[str]) -> None:
    index = HostIndex(served)
    common = index.intersection(asked)
    assert len(set(common)) == len(common)
    assert set(common) == {
        one if is_covered(one, other) else other
        for one in served
        for other in asked
        if is_covered(one, other) or is_covered(other, one)
    }


@pytest.mark.property
@given(_host_lists, _host_lists)
def test_overlapping_hosts_are_those_that_share_a_name(served: list[str], asked: list[str]) -> None:
    found = HostIndex(served).overlapping(asked)
    assert found == {
        host
        for host in served
        for other in asked
        if is_covered(host, other) or is_covered(other, host)
    }


def test_of_many_hosts_the_first_are_listed() -> None:
    assert listed(["a", "b", "a"]) == "a, b"
    assert listed(f"h{number}" for number in range(8)) == "h0, h1, h2, h3, h4 and 3 more"
