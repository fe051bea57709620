"""The story ``canary``: a new version with a part of the requests goes bad, the old one not."""

from __future__ import annotations

from lab.clusters import Service
from lab.listeners import Layout
from lab.pages import AUTH, REVIEWS, SHOP
from lab.routes import route_to, split_between, virtual_host
from lab.story import Lab, Story
from lab.traffic import Stream, probes, steps_of
from lab.visitors import apps, people

__all__ = ["CANARY"]

_V1 = Service("reviews.shop", ("reviews-v1-a", "reviews-v1-b"), subset="v1")
_V2 = Service("reviews.shop", ("reviews-v2",), subset="v2")
_SHOP = Service("storefront.shop", ("storefront-a", "storefront-b"))
_AUTH = Service("identity.auth", ("identity",))

_LAYOUT = Layout(
    http={
        8080: [
            virtual_host(
                "reviews.example.com",
                split_between({_V1: 70, _V2: 30}, name="reviews", owner="shop/reviews"),
            ),
            virtual_host("shop.example.com", route_to(_SHOP, owner="shop/storefront")),
            virtual_host("auth.example.com", route_to(_AUTH, name="oidc", owner="auth/identity")),
        ]
    }
)
_BAD_FROM_S, _END_S = 18, 45
_SLOW = "reviews-v2.delay={slow}"
_FAILS = f"{_SLOW},reviews-v2.status=500,reviews-v2.size=148"


def _tell(lab: Lab) -> None:
    chance = lab.chance()
    crowd, programs = people(chance, 40), apps(chance, 12)
    well, bad = (0, _BAD_FROM_S), (_BAD_FROM_S, _END_S)
    lab.play(
        [
            *steps_of(
                lab,
                chance,
                Stream("reviews.example.com", REVIEWS, crowd, 95, well),
                Stream("reviews.example.com", REVIEWS, crowd, 120, bad, _FAILS),
                Stream("reviews.example.com", REVIEWS, crowd, 20, bad, _SLOW),
                Stream("shop.example.com", SHOP, crowd, 28, (0, _END_S)),
                Stream("auth.example.com", AUTH, programs, 12, (0, _END_S)),
            ),
            *probes(lab, _END_S),
            lab.note("reviews v2 becomes slow and answers with 500.", _BAD_FROM_S),
        ]
    )


CANARY = Story((_V1, _V2, _SHOP, _AUTH), _LAYOUT, _tell)
