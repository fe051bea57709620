"""Paths that no route of a delegate takes: which of the two VirtualServices is changed."""

from __future__ import annotations

from tests.diagnoses import diagnosis
from tests.intents import gateway, intent_of, notes, virtual_service

_GATEWAY = gateway("edge/gw", "shop.example.com")
_PARTS = virtual_service(
    "team/parts",
    gateways=None,
    http="[{match: [{uri: {prefix: /old}}], redirect: {uri: /}}, "
    "{match: [{uri: {prefix: /api/orders}}], route: [{destination: {host: orders}}]}]",
)


def _root(match: str) -> str:
    http = f"[{{{match}delegate: {{name: parts, namespace: team}}}}]"
    return virtual_service("shop/root", "shop.example.com", http=http)


_API = "match: [{uri: {prefix: /api}}], "


def test_a_path_that_is_left_to_the_delegate_is_added_to_its_rule() -> None:
    found = diagnosis(_GATEWAY, _root(_API), _PARTS, path="/api/users")
    assert found.cause == "path_not_matched"
    assert [str(each) for each in found.objects] == ["VirtualService team/parts"]
    assert found.change is not None
    assert str(found.change.object) == "VirtualService team/parts"
    assert "rule 1" in found.change.says
    assert any(step.object == "VirtualService team/parts" for step in found.proof)


def test_a_path_that_is_not_left_to_the_delegate_is_added_to_the_root() -> None:
    found = diagnosis(_GATEWAY, _root(_API), _PARTS, path="/other")
    assert found.change is not None
    assert str(found.change.object) == "VirtualService shop/root"


def test_a_rule_without_conditions_leaves_every_path_to_the_delegate() -> None:
    found = diagnosis(_GATEWAY, _root(""), _PARTS, path="/other")
    assert found.change is not None
    assert str(found.change.object) == "VirtualService team/parts"


def test_only_an_object_without_hosts_that_nothing_delegates_to_is_odd() -> None:
    named = intent_of(_GATEWAY, _root(_API), _PARTS)
    assert notes(named, "virtualservice_without_hosts") == []
    loose = intent_of(_GATEWAY, _PARTS)
    assert len(notes(loose, "virtualservice_without_hosts")) == 1
