"""What is asked for: paths of made-up services, with the time and the size of their answers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.client import Request

if TYPE_CHECKING:
    from random import Random

    from lab.visitors import Visitor

__all__ = [
    "AUTH",
    "CATALOG",
    "CHECKOUT",
    "ODD",
    "ORDERS",
    "PAY",
    "REVIEWS",
    "SHOP",
    "Page",
    "request_for",
]

_WORDS = ("kettle", "lamp", "notebook", "sofa", "tea+towel", "umbrella")
_SPREAD = 0.35
"""Standard deviation of the logarithm of a latency."""


@dataclass(frozen=True, slots=True)
class Page:
    """A kind of request.

    Attributes:
        path: With ``{id}``, ``{uuid}``, ``{page}`` and ``{word}`` to be filled in.
        delay_ms: How long the upstream takes, at the median.
        size: Bytes of the answer, about.
        method: Of HTTP.
        body: Bytes that are sent.
        status: The code of the answer.
        weight: How often it is asked for.
    """

    path: str
    delay_ms: int
    size: int
    method: str = "GET"
    body: int = 0
    status: int = 200
    weight: int = 1


SHOP = (
    Page("/", 24, 9200, weight=4),
    Page("/products/{id}", 31, 6400, weight=5),
    Page("/products?category={word}&page={page}", 48, 8100, weight=3),
    Page("/search?q={word}", 74, 5200, weight=2),
    Page("/static/app.3f9c2b71.js", 3, 18400, weight=2),
    Page("/static/logo.svg", 2, 2300, weight=2),
    Page("/favicon.ico", 2, 0, status=404),
)
CATALOG = (
    Page("/catalog/items/{id}", 18, 1900, weight=5),
    Page("/catalog/items?ids={id},{id}&fields=price,stock", 33, 3200, weight=2),
    Page("/catalog/items/{id}", 9, 84, status=404),
)
ORDERS = (
    Page("/orders/{uuid}", 27, 2200, weight=3),
    Page("/orders?limit=20&page={page}", 61, 7300, weight=2),
)
CHECKOUT = (
    Page("/cart/{uuid}", 22, 1400, weight=4),
    Page("/cart/{uuid}/items", 35, 620, "POST", 140, 201, weight=3),
    Page("/payment/{uuid}", 140, 480, "POST", 310, weight=2),
)
AUTH = (
    Page("/oauth2/token", 44, 1150, "POST", 210, weight=3),
    Page("/userinfo", 12, 640, weight=3),
    Page("/oauth2/token", 19, 92, "POST", 180, 401),
)
PAY = (
    Page("/v1/payments/{uuid}", 38, 900, weight=3),
    Page("/v1/payments", 120, 420, "POST", 380, 201, weight=3),
    Page("/v1/methods?country=DE", 16, 1300, weight=2),
)
REVIEWS = (
    Page("/products/{id}/reviews", 29, 4100, weight=6),
    Page("/products/{id}/reviews?page={page}&sort=newest", 41, 4300, weight=3),
    Page("/products/{id}/reviews", 52, 210, "POST", 460, 201, weight=2),
)
ODD = (
    Page("/.env", 4, 0, status=404),
    Page("/.git/config", 4, 0, status=404),
    Page("/wp-login.php", 4, 0, status=404),
    Page("/actuator/health", 4, 0, status=404),
    Page("/cgi-bin/luci/;stok=/locale", 4, 0, status=404),
    Page("/solr/admin/info/system?wt=json", 4, 0, status=404),
    Page("/boaform/admin/formLogin", 4, 0, "POST", 60, 404),
    Page("/manager/html", 4, 0, status=404),
    Page("/", 4, 0, status=404, weight=3),
)
"""What scanners ask for."""


def request_for(
    chance: Random, visitor: Visitor, host: str, pages: tuple[Page, ...], behavior: str = ""
) -> Request:
    """Return a request of a visitor for one of some pages, chosen by weight.

    Args:
        chance: What decides.
        visitor: Who asks.
        host: Whom.
        pages: For what.
        behavior: More of it; ``{slow}`` is nine times the latency of the page.
    """
    page = chance.choices(pages, [page.weight for page in pages])[0]
    delay = round(page.delay_ms * chance.lognormvariate(0, _SPREAD))
    size = round(page.size * chance.uniform(0.8, 1.2))
    path = page.path.format(
        id=chance.randrange(10_000, 9_999_999),
        uuid=uuid.UUID(int=chance.getrandbits(128), version=4),
        page=chance.randint(1, 6),
        word=chance.choice(_WORDS),
    )
    asked = f"delay={delay},size={size},status={page.status},{behavior.format(slow=9 * delay)}"
    return Request(host, path, page.method, asked, visitor.address, visitor.agent, b"." * page.body)
