"""Who asks: people, programs and scanners, with addresses and user agents of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

__all__ = ["Visitor", "apps", "people", "scanners"]

_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.1 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
)
_APPS = (
    "ExampleShop/8.42.1 (iOS 18.6; iPhone15,3) Alamofire/5.10",
    "ExampleShop/8.41.3 (Android 16; Pixel 9) okhttp/5.1.0",
    "okhttp/5.1.0",
    "axios/1.13.2",
)
_SCANNERS = (
    "Mozilla/5.0 (compatible; ExampleScan/2.1; +https://scan.example.net/about)",
    "Mozilla/5.0 zgrab/0.x",
    "masscan/1.3",
    "python-requests/2.32.5",
    "Go-http-client/1.1",
    "",
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A client.

    Attributes:
        address: As the load balancer in front sees it.
        agent: The user agent; empty for none.
    """

    address: str
    agent: str


def people(chance: Random, count: int) -> list[Visitor]:
    """Return people with browsers and with the shop's own app."""
    return _visitors(chance, count, "198.51.100", (*_BROWSERS, *_BROWSERS, *_APPS[:2]))


def apps(chance: Random, count: int) -> list[Visitor]:
    """Return programs."""
    return _visitors(chance, count, "192.0.2", _APPS)


def scanners(chance: Random, count: int) -> list[Visitor]:
    """Return scanners."""
    return _visitors(chance, count, "203.0.113", _SCANNERS)


def _visitors(chance: Random, count: int, network: str, agents: tuple[str, ...]) -> list[Visitor]:
    numbers = chance.sample(range(2, 255), count)
    return [Visitor(f"{network}.{number}", chance.choice(agents)) for number in numbers]
