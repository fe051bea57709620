"""What a shell offers as the values of options.

A shell asks at each tab, so nothing here loads Polars: what is known where
Polars is loaded is taken from the pages of the documentation, which are held
against the code, or stands here and a test holds it against the code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TABLES = (
    "groups", "authority", "route_name", "response_code", "upstream_cluster", "outcome",
    "response_flags", "response_code_details", "gateway", "upstream_host", "connections",
    "connection_failures", "rejections", "splits", "splits_over_time", "timeline", "findings",
    "not_found_ledger", "sources", "gateways", "examples", "joint",
)  # fmt: skip
SORTED_BY = (
    "requests", "share", "errors", "unrouted", "blackhole", "bytes_sent", "bytes_received", "p50",
    "p90", "p95", "p99", "p999", "max", "mean",
)  # fmt: skip
SPANS = ("1m", "5m", "15m", "1h", "6h", "1d")
ROLES = ("gateway", "egress", "sidecar", "waypoint", "all")
OUTCOME_GROUPS = ("unrouted", "error")
DERIVED = ("host", "client", "path_group")
JUDGED = ("is_error", "is_unrouted", "is_refused")
POSITION = ("source", "line")
BYTES = ("bytes_received", "bytes_sent")


def one_of(words: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return what completes a value that is one of some words."""

    def completed(incomplete: str) -> list[str]:
        return [word for word in words() if word.startswith(incomplete)]

    return completed


def several_of(words: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return what completes the last of some words with commas between, each given once."""

    def completed(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        given = before.split(",")
        return [
            f"{before}{comma}{word}"
            for word in words()
            if word.startswith(last) and word not in given
        ]

    return completed


def tables() -> tuple[str, ...]:
    """Return the tables."""
    return TABLES


def sort_columns() -> tuple[str, ...]:
    """Return columns that most tables can be sorted by."""
    return SORTED_BY


def spans() -> tuple[str, ...]:
    """Return stretches of time."""
    return SPANS


def roles() -> tuple[str, ...]:
    """Return the roles of proxies, and the word for all."""
    return ROLES


def outcomes() -> list[str]:
    """Return the outcomes, and the groups of them."""
    from envoylogs.cli.pages import headings_of

    return [*headings_of("outcomes"), *OUTCOME_GROUPS]


def countable_columns() -> list[str]:
    """Return the columns that requests can be counted by."""
    from envoylogs.cli.pages import columns

    return [*(name for name in columns() if name not in BYTES), *DERIVED]


def written_columns() -> list[str]:
    """Return the columns that records are written with."""
    from envoylogs.cli.pages import columns

    return [*columns(), *DERIVED, *JUDGED, *POSITION]


def findings() -> list[str]:
    """Return the names of findings."""
    from envoylogs.summary.findings.catalog import FINDING_KINDS

    return [kind.code for kind in FINDING_KINDS]


def causes() -> list[str]:
    """Return the names of causes."""
    from envoylogs.mesh.causes import CAUSE_KINDS

    return [kind.code for kind in CAUSE_KINDS]


def suppressible() -> list[str]:
    """Return what ``--suppress`` takes."""
    return list(dict.fromkeys([*findings(), *causes()]))


def zones() -> list[str]:
    """Return the names of time zones that this machine knows."""
    import zoneinfo

    return sorted(zoneinfo.available_timezones())


def explained_names() -> list[str]:
    """Return what ``envoylogs flags`` explains."""
    from envoylogs.cli.pages import headings_of
    from envoylogs.envoy.details import RESPONSE_CODE_DETAILS
    from envoylogs.envoy.flags import RESPONSE_FLAGS

    known = (
        *(flag.short for flag in RESPONSE_FLAGS),
        *headings_of("outcomes"),
        *findings(),
        *causes(),
        *(detail.match for detail in RESPONSE_CODE_DETAILS),
    )
    return list(dict.fromkeys(known))


def helped_names() -> list[str]:
    """Return what ``envoylogs help`` explains: commands, topics, and what pages speak of."""
    from envoylogs.cli.app import COMMANDS
    from envoylogs.cli.pages import names, titles

    return list(dict.fromkeys((*COMMANDS, *titles(), *names())))
