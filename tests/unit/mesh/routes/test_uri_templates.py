from __future__ import annotations

import pytest

from envoylogs.mesh.routes.paths import path_fits
from envoylogs.mesh.routes.uri_templates import uri_template
from envoylogs.mesh.tables import RouteMatch


@pytest.mark.parametrize(
    ("template", "path", "fits"),
    [
        ("/books/*", "/books/1", True),
        ("/books/*", "/books/1/2", False),
        ("/books/*", "/books/", False),
        ("/books/**", "/books/1/2", True),
        ("/books/**", "/books/", True),
        ("/books/**", "/books", False),
        ("/{shelf}/{book}", "/a/b", True),
        ("/{shelf}/{book}", "/a", False),
        ("/{rest=**}", "/a/b/c", True),
        ("/{name=books/*}", "/books/1", True),
        ("/{name=books/*}", "/films/1", False),
        ("/{name}.html", "/index.html", True),
        ("/{name}.html", "/indexxhtml", False),
        ("/v1+(x)$", "/v1+(x)$", True),
        ("/", "/", True),
        ("/a/", "/a/", True),
        ("/a/", "/a", False),
    ],
)
def test_a_template_covers_segments(template: str, path: str, *, fits: bool) -> None:
    assert path_fits(RouteMatch("uri_template", template), path) is fits


def test_the_query_is_not_compared() -> None:
    assert path_fits(RouteMatch("uri_template", "/*"), "/a?b=c/d") is True


def test_characters_that_releases_cover_differently_leave_it_open() -> None:
    assert (
        path_fits(RouteMatch("uri_template", "/*"), "/a=b")
        == "how this release of Envoy reads template /*"
    )
    assert path_fits(RouteMatch("uri_template", "/a=b/*"), "/a=b/c") is True


@pytest.mark.parametrize("template", ["books", "/{", "/{1a}", "/a b", "/{a=}", "/a?b"])
def test_a_template_that_envoy_refuses_has_no_expression(template: str) -> None:
    assert uri_template(template) is None
    assert (
        path_fits(RouteMatch("uri_template", template), "/a")
        == f"how this release of Envoy reads template {template}"
    )
