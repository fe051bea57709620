from __future__ import annotations

import pytest

from envoylogs.mesh.diagnosis.host_index import HostIndex, is_misspelled, spelling_hint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("checkout.example.com", "chekout.example.com"),
        ("checkout.example.com", "checkouts.example.com"),
        ("checkout.example.com", "chekcout.example.com"),
        ("checkout.example.com", "chackout.example.com"),
    ],
)
def test_one_typing_error_is_told(one: str, other: str) -> None:
    assert is_misspelled(one, other)
    assert is_misspelled(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("checkout.example.com", "checkout.example.com"),
        ("checkout1.example.com", "checkout2.example.com"),
        ("checkout.example.com", "payments.example.com"),
        ("shop.example.com", "stop.example.com"),
    ],
)
def test_names_of_their_own_are_no_typing_errors(one: str, other: str) -> None:
    assert not is_misspelled(one, other)


def test_the_most_specific_lister_comes_first() -> None:
    index = HostIndex([("*", "any"), ("*.example.com", "wide"), ("A.Example.com", "exact")])

    assert index.covering("a.example.com") == ["exact", "wide", "any"]
    assert index.covering("b.c.example.com") == ["wide", "any"]
    assert index.covering("example.com") == ["any"]
    assert index.covering("example.com", with_any=False) == []
    assert index.listing_wildcard_of("example.com") == ["wide"]


def test_hosts_near_another_one_are_of_its_domain_the_most_alike_first() -> None:
    hosts = ("web.a.com", "wiki.a.com", "api.a.com", "web.b.com")
    index = HostIndex([(host, host) for host in hosts])

    assert index.near("wik.a.com")[0] == "wiki.a.com"
    assert "web.b.com" not in index.near("wik.a.com")
    assert index.near("a.com") == []


def test_the_hint_names_what_may_have_been_meant() -> None:
    index = HostIndex([("chekout.example.com", None)])

    assert "chekout.example.com" in spelling_hint(index, "checkout.example.com")
    assert spelling_hint(index, "other.example.com") == ""
