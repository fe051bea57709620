"""The story ``lost-route``: a VirtualService is applied with a typing error in its host."""

from __future__ import annotations

from lab.clusters import Service
from lab.listeners import Layout
from lab.pages import AUTH, CATALOG, CHECKOUT, ODD, ORDERS, SHOP
from lab.routes import route_to, virtual_host
from lab.story import Lab, Story
from lab.traffic import Stream, probes, steps_of
from lab.visitors import apps, people, scanners

__all__ = ["LOST_ROUTE"]

_SHOP = Service("storefront.shop", ("storefront-a", "storefront-b"))
_ORDERS = Service("orders.shop", ("orders",))
_CATALOG = Service("catalog.shop", ("catalog-a", "catalog-b"))
_CHECKOUT = Service("checkout.shop", ("checkout-a", "checkout-b"))
_AUTH = Service("identity.auth", ("identity",))

_CHANGED_S, _END_S = 24, 45


def _layout(checkout_host: str) -> Layout:
    return Layout(
        http={
            8080: [
                virtual_host("shop.example.com", route_to(_SHOP, owner="shop/storefront")),
                virtual_host(
                    "api.example.com",
                    route_to(_ORDERS, "/orders", name="orders", owner="shop/api"),
                    route_to(_CATALOG, "/catalog", name="catalog", owner="shop/api"),
                ),
                virtual_host(
                    checkout_host, route_to(_CHECKOUT, name="checkout", owner="shop/checkout")
                ),
                virtual_host(
                    "auth.example.com", route_to(_AUTH, name="oidc", owner="auth/identity")
                ),
            ]
        }
    )


def _tell(lab: Lab) -> None:
    chance = lab.chance()
    crowd, programs, strangers = people(chance, 40), apps(chance, 12), scanners(chance, 5)
    all_along = (0, _END_S)
    lab.play(
        [
            *steps_of(
                lab,
                chance,
                Stream("shop.example.com", SHOP, crowd, 85, all_along),
                Stream("api.example.com", ORDERS, programs, 35, all_along),
                Stream("api.example.com", CATALOG, crowd, 50, all_along),
                Stream("checkout.example.com", CHECKOUT, crowd, 80, all_along),
                Stream("auth.example.com", AUTH, programs, 20, all_along),
                Stream("203.0.113.80", ODD, strangers, 10, all_along),
            ),
            *probes(lab, _END_S),
            lab.change(
                "VirtualService checkout is applied with hosts [chekout.example.com].",
                _CHANGED_S,
                _layout("chekout.example.com"),
            ),
        ]
    )


LOST_ROUTE = Story(
    (_SHOP, _ORDERS, _CATALOG, _CHECKOUT, _AUTH),
    _layout("checkout.example.com"),
    _tell,
    gateways=2,
)
