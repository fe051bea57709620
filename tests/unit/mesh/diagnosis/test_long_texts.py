"""Long paths and hosts: what of them is compared, shown and pasted."""

from __future__ import annotations

import pytest
import yaml
from tests.diagnoses import diagnosis, said
from tests.intents import gateway, virtual_service

from envoylogs.mesh.explanation import shortened

_GATEWAY = gateway("edge/gw", "shop.example.com")
_LONG = "/" + "a" * 4095


def _serving(uri: str) -> str:
    http = f"[{{match: [{{uri: {uri}}}], route: [{{destination: {{host: web}}}}]}}]"
    return virtual_service("shop/web", "shop.example.com", http=http)


def test_a_long_text_is_shown_as_far_as_it_tells_something() -> None:
    assert shortened("/" + "a" * 119) == "/" + "a" * 119
    assert shortened(_LONG) == "/" + "a" * 119 + "…"


def test_a_long_path_is_shown_short_and_pasted_whole() -> None:
    found = diagnosis(_GATEWAY, _serving("{prefix: /zz}"), path=_LONG)
    assert (found.cause, found.certainty) == ("path_not_matched", "proved")
    assert f"takes {shortened(_LONG)}." in found.says
    assert "a" * 121 not in said(found)
    assert found.now is not None
    assert "a" * 121 not in found.now.why
    assert found.change is not None
    (rule,) = yaml.safe_load(found.change.yaml)["spec"]["http"]
    assert rule["match"][0]["uri"]["exact"] == _LONG


def test_a_long_host_is_shown_short() -> None:
    host = "b" * 200 + ".example.com"
    found = diagnosis(_GATEWAY, _serving("{prefix: /zz}"), host=host)
    assert found.cause == "no_gateway_for_host"
    assert "b" * 121 not in said(found)


@pytest.mark.parametrize(
    ("uri", "cause"),
    [
        ("{prefix: /zz}", "path_not_matched"),
        ("{exact: /aa}", "path_not_matched"),
        ("{prefix: /aa}", "routed_now"),
        ("{regex: '/a+'}", "condition_not_met"),
        (f"{{exact: {_LONG}b}}", "condition_not_met"),
        (f"{{prefix: {_LONG}b}}", "condition_not_met"),
    ],
)
def test_a_path_that_was_cut_is_compared_as_far_as_it_goes(uri: str, cause: str) -> None:
    found = diagnosis(_GATEWAY, _serving(uri), path=_LONG, is_path_cut=True)
    assert (found.cause, found.certainty) == (cause, "likely")
    assert "is how it begins: 4,096 characters of a path are kept" in said(found)
    assert found.change is None
