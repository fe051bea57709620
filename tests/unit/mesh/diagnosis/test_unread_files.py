"""What is said where a file of the configuration could not be read."""

from __future__ import annotations

import pytest
from tests.diagnoses import diagnosis, said
from tests.intents import gateway, virtual_service

_GATEWAY = gateway("edge/gw", "*.example.com")
_OTHER = virtual_service("shop/other", "other.example.com")
_PATH = "[{match: [{uri: {prefix: /a}}], route: [{destination: {host: web}}]}]"


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ([gateway("edge/gw", "other.example.com"), _OTHER], "no_gateway_for_host"),
        ([_GATEWAY, _OTHER], "host_not_in_virtualservice"),
        ([_GATEWAY, virtual_service("shop/o", "*.com", gateways=None)], "virtualservice_not_bound"),
        ([_GATEWAY, virtual_service("shop/web", "shop.example.com", http=_PATH)],
         "path_not_matched"),
    ],
)  # fmt: skip
def test_what_nothing_does_is_likely_only_where_a_file_was_not_read(
    given: list[str], cause: str
) -> None:
    read = diagnosis(*given)
    assert (read.cause, read.certainty) == (cause, "proved")
    unread = diagnosis(*given, unread=("mesh/b.yaml",))
    assert (unread.cause, unread.certainty) == (cause, "likely")
    assert "mesh/b.yaml: could not be read" in said(unread)


def test_of_many_such_files_a_few_are_named() -> None:
    found = diagnosis(_GATEWAY, _OTHER, unread=tuple("abcdef"))
    assert "a, b, c and 3 more: could not be read" in said(found)


def test_a_route_that_takes_the_request_is_proved_all_the_same() -> None:
    found = diagnosis(_GATEWAY, virtual_service("shop/web", "shop.example.com"), unread=("b.yaml",))
    assert (found.cause, found.certainty) == ("routed_now", "proved")


def test_a_table_of_the_gateway_proves_what_it_has_not() -> None:
    dump = """
      name: http.8080
      virtualHosts:
      - name: shop
        domains: [shop.example.com]
        routes: [{match: {prefix: /a}, route: {cluster: a}}]
    """
    found = diagnosis(dump, unread=("b.yaml",))
    assert (found.cause, found.certainty) == ("path_not_matched", "proved")
