"""Hosts that a Gateway and a VirtualService write in different letters."""

from __future__ import annotations

import pytest
import yaml
from tests.diagnoses import diagnosis
from tests.intents import clusters, gateway, intent_of, virtual_service


@pytest.mark.parametrize(
    ("accepted", "listed"),
    [
        ("Shop.Example.com", "SHOP.example.com"),
        ("shop.example.com", "Shop.example.com"),
        ("*.Example.com", "shop.example.com"),
        ("shop.example.com", "*.EXAMPLE.com"),
    ],
)
def test_a_host_in_other_letters_is_changed_to_those_of_the_gateway(
    accepted: str, listed: str
) -> None:
    found = diagnosis(gateway("edge/gw", accepted), virtual_service("shop/web", listed))
    assert (found.cause, found.certainty) == ("host_not_in_virtualservice", "proved")
    assert "with their case" in found.says
    assert f"is for {listed}" in found.says
    assert "which is not" not in found.says
    assert found.change is not None
    (host,) = yaml.safe_load(found.change.yaml)["spec"]["hosts"]
    changed = intent_of(gateway("edge/gw", accepted), virtual_service("shop/web", host))
    assert clusters(changed, "shop.example.com")


def test_another_gateway_with_the_host_is_still_the_one_to_name() -> None:
    found = diagnosis(
        gateway("edge/gw", "shop.example.com"),
        gateway("edge/other", "other.example.com"),
        virtual_service("shop/web", "shop.example.com", gateways="[edge/other]"),
    )
    assert found.cause == "gateway_reference_wrong"
    assert "names edge/other, which is not Gateway edge/gw" in found.says
