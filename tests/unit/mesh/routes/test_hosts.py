from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.mesh.routes.hosts import without_port
from envoylogs.mesh.routes.matcher import TableMatcher
from envoylogs.mesh.tables import RouteTable, VirtualHost


def _matcher(*domains: str, ignore_port: bool = False) -> TableMatcher:
    """Return the matcher of a table with a virtual host for each domain, named like it."""
    hosts = tuple(VirtualHost(each, (each,)) for each in domains)
    return TableMatcher(RouteTable("http.8080", hosts, ignore_port=ignore_port))


def _taken_by(matcher: TableMatcher, host: str | None) -> str | None:
    found = matcher.virtual_host(host)
    return found.name if found else None


def test_an_exact_host_hides_the_wildcard() -> None:
    matcher = _matcher("*.a.com", "www.a.com", "*")

    assert _taken_by(matcher, "www.a.com") == "www.a.com"
    assert _taken_by(matcher, "api.a.com") == "*.a.com"
    assert _taken_by(matcher, "b.com") == "*"


def test_a_wildcard_covers_several_labels_and_not_the_name_itself() -> None:
    matcher = _matcher("*.a.com")

    assert _taken_by(matcher, "x.y.a.com") == "*.a.com"
    assert _taken_by(matcher, "a.com") is None
    assert _taken_by(matcher, ".a.com") is None
    assert _taken_by(matcher, "xa.com") is None


def test_the_longest_wildcard_wins_and_suffixes_come_before_prefixes() -> None:
    matcher = _matcher("*.com", "*.a.com", "x.*", "x.a.*")

    assert _taken_by(matcher, "x.a.com") == "*.a.com"
    assert _taken_by(matcher, "x.b.com") == "*.com"
    assert _taken_by(matcher, "x.a.org") == "x.a.*"
    assert _taken_by(matcher, "x.b.org") == "x.*"


def test_the_case_of_host_and_domain_is_nothing() -> None:
    matcher = _matcher("WWW.a.com", "*.B.com")

    assert _taken_by(matcher, "www.A.com") == "WWW.a.com"
    assert _taken_by(matcher, "x.b.COM") == "*.B.com"


def test_letters_beyond_ascii_keep_their_case() -> None:
    assert _taken_by(_matcher("É.com"), "é.com") is None


def test_a_port_is_part_of_the_host() -> None:
    matcher = _matcher("a.com", "b.com:80", "*:443")

    assert _taken_by(matcher, "a.com:80") is None
    assert _taken_by(matcher, "b.com:80") == "b.com:80"
    assert _taken_by(matcher, "b.com") is None
    assert _taken_by(matcher, "c.com:443") == "*:443"


def test_without_ports_all_after_the_last_colon_goes() -> None:
    matcher = _matcher("a.com", "b.com:80", "[::1]", ignore_port=True)

    assert _taken_by(matcher, "a.com:31380") == "a.com"
    assert _taken_by(matcher, "a.com:http") == "a.com"
    assert _taken_by(matcher, "a.com:") == "a.com"
    assert _taken_by(matcher, "[::1]:80") == "[::1]"
    assert _taken_by(matcher, "[::1]") == "[::1]"
    # What is left of the host is compared with the domain as it stands.
    assert _taken_by(matcher, "b.com:80") is None


def test_a_dot_at_the_end_is_part_of_the_host() -> None:
    matcher = _matcher("a.com", "b.com.")

    assert _taken_by(matcher, "a.com.") is None
    assert _taken_by(matcher, "b.com.") == "b.com."


def test_a_table_for_any_host_takes_a_request_without_one() -> None:
    assert _taken_by(_matcher("*"), None) == "*"
    assert _taken_by(_matcher("*", "a.com"), None) is None


def test_a_domain_that_stands_twice_is_told() -> None:
    assert _matcher("a.com", "*.b.com", "A.com", "*", "*", "*.B.com").duplicates == (
        "a.com",
        "*",
        "*.b.com",
    )
    assert _matcher("a.com", "*.a.com", "a.com:80").duplicates == ()


def test_the_domain_that_takes_a_host_is_told_as_given() -> None:
    assert _matcher("*.A.com").domain("x.a.com") == "*.A.com"
    assert _matcher("*.A.com").domain("a.com") is None


_labels = st.sampled_from(("a", "b", "com", "A", "*", "x:80", ""))
_names = st.lists(_labels, min_size=1, max_size=4).map(".".join)


@pytest.mark.property
@given(domains=st.lists(_names, unique_by=str.lower, max_size=6), host=_names, data=st.data())
def test_the_order_of_virtual_hosts_is_nothing(
    domains: list[str], host: str, data: st.DataObject
) -> None:
    other = data.draw(st.permutations(domains))

    assert _taken_by(_matcher(*domains), host) == _taken_by(_matcher(*other), host)


@pytest.mark.property
@given(domains=st.lists(_names, unique_by=str.lower, max_size=6), host=_names)
def test_no_other_domain_is_closer(domains: list[str], host: str) -> None:
    """Looking each domain up by itself, the best of those that take the host is the answer."""
    alone = [each for each in domains if _taken_by(_matcher(each), host) is not None]
    exact = [each for each in alone if each.lower() == host.lower()]
    suffixes = sorted((d for d in alone if d[0:1] == "*" and d != "*"), key=len)
    prefixes = sorted((d for d in alone if d[0:1] != "*" and d[-1:] == "*"), key=len)
    # A domain with a star in it is a name like any other to a host that has one too.
    exact = [each for each in exact if each not in {*suffixes, *prefixes, "*"}]
    best = [*(["*"] if "*" in alone else []), *prefixes, *suffixes, *exact]

    assert _taken_by(_matcher(*domains), host) == (best[-1] if best else None)


@pytest.mark.property
@given(host=st.text("a.:[]1", max_size=8), port=st.text("0123456789", max_size=5))
def test_a_port_goes_from_any_host(host: str, port: str) -> None:
    assert without_port(f"{host}:{port}") == host
