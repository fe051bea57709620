"""The story ``nothing-accepted``: all TLS connections come without a server name.

As from a load balancer that ends TLS and starts it anew: the gateway's filter
chains are all for some name, and no request ever arrives.
"""

from __future__ import annotations

from functools import partial

from lab.client import Request
from lab.clusters import Service
from lab.listeners import Layout
from lab.routes import route_to, virtual_host
from lab.story import Lab, Step, Story

__all__ = ["NOTHING_ACCEPTED"]

_SHOP = Service("storefront.shop", ("storefront",))
_HOST = "shop.example.com"


def _tell(lab: Lab) -> None:
    gateway = lab.gateways[0].address
    act = partial(lab.client.tls, gateway, Request(_HOST), server_name="-")
    lab.play(Step(at_s, act) for at_s in lab.moments(lab.chance(), 30, (0, 1)))


NOTHING_ACCEPTED = Story(
    (_SHOP,), Layout(http={}, tls={_HOST: [virtual_host(_HOST, route_to(_SHOP), port=443)]}), _tell
)
