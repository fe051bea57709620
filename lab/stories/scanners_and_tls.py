"""The story ``scanners-and-tls``: a TLS server name is lost in the noise of scanners."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lab.clusters import Service
from lab.listeners import Layout
from lab.pages import AUTH, ODD, PAY, SHOP
from lab.routes import route_to, virtual_host
from lab.story import Lab, Step, Story
from lab.traffic import Stream, probes, steps_of
from lab.visitors import apps, people, scanners

if TYPE_CHECKING:
    from random import Random

    from lab.visitors import Visitor

__all__ = ["SCANNERS_AND_TLS"]

_SHOP = Service("storefront.shop", ("storefront-a", "storefront-b"))
_PAY = Service("payments.pay", ("payments-a", "payments-b"))
_AUTH = Service("identity.auth", ("identity",))

_CHANGED_S, _END_S = 26, 45
_PUBLIC_ADDRESS = "203.0.113.80"
_STRANGE_NAMES = (
    "autodiscover.example.net", "mail.example.net", "vpn.example.org", "www.example.org",
)  # fmt: skip


def _layout(*, pay: bool) -> Layout:
    served = {
        "shop.example.com": route_to(_SHOP, owner="shop/storefront"),
        "pay.example.com": route_to(_PAY, name="payments", owner="pay/payments"),
        "auth.example.com": route_to(_AUTH, name="oidc", owner="auth/identity"),
    }
    # httpsRedirect of a Gateway.
    http = [virtual_host("shop.example.com", served["shop.example.com"], require_tls="ALL")]
    tls = {
        name: [virtual_host(name, route, port=443)]
        for name, route in served.items()
        if pay or name != "pay.example.com"
    }
    return Layout(http={8080: http}, tls=tls)


def _tell(lab: Lab) -> None:
    chance = lab.chance()
    crowd, programs, strangers = people(chance, 30), apps(chance, 14), scanners(chance, 18)
    all_along = (0, _END_S)
    lab.play(
        [
            *steps_of(
                lab,
                chance,
                Stream("shop.example.com", SHOP, crowd, 62, all_along, tls=True),
                Stream("shop.example.com", SHOP, crowd, 8, all_along),
                Stream("pay.example.com", PAY, programs, 75, all_along, tls=True),
                Stream("auth.example.com", AUTH, programs, 20, all_along, tls=True),
                *_scans(strangers),
            ),
            *_no_http(lab, chance),
            *probes(lab, _END_S),
            lab.change(
                "pay.example.com is taken out of the TLS servers of its Gateway.",
                _CHANGED_S,
                _layout(pay=False),
            ),
        ]
    )


def _scans(strangers: list[Visitor]) -> list[Stream]:
    """Return what scanners do all day: addresses and strange names, over HTTP and over TLS."""
    all_along = (0, _END_S)
    return [
        Stream(_PUBLIC_ADDRESS, ODD, strangers, 34, all_along),
        Stream(f"{_PUBLIC_ADDRESS}:8080", ODD, strangers, 9, all_along),
        Stream("localhost", ODD, strangers, 4, all_along),
        Stream("shop.example.com", ODD, strangers, 8, all_along, tls=True),
        # Without a server name, as from an address.
        Stream(_PUBLIC_ADDRESS, ODD, strangers, 14, all_along, tls=True, server_name="-"),
        *(Stream(name, ODD, strangers, 5, all_along) for name in _STRANGE_NAMES[:2]),
        *(Stream(name, ODD, strangers, 6, all_along, tls=True) for name in _STRANGE_NAMES),
    ]


def _no_http(lab: Lab, chance: Random) -> list[Step]:
    """Return what port scanners send to find out what listens."""
    gateway = lab.gateways[0].address
    hellos = (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", b"SSH-2.0-scan\r\n", b"\0\0\0\x0c")
    return [
        Step(at_s, partial(lab.client.raw, gateway, chance.choice(hellos)))
        for at_s in lab.moments(chance, 5, (0, _END_S))
    ]


SCANNERS_AND_TLS = Story((_SHOP, _PAY, _AUTH), _layout(pay=True), _tell)
