"""Where failures are: the gateways that alone show them, and within a service the path or host.

What to do about such gateways comes before anything else. And "one in 20 fails" hides that one
path fails always and the others never do.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from envoylogs.summary.findings.conditions import find_pod_command
from envoylogs.summary.findings.proof import listed, sum_of
from envoylogs.tally.folding.marks import FOLDED_MARKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from envoylogs.summary.findings.onset import Stretch
    from envoylogs.summary.findings.whole_log import WholeLog

ITS_ROUTES = (
    "whether its configuration is stale (istioctl proxy-status), and how its routes differ from "
    "those of another one (istioctl proxy-config route)"
)
_ITS_SURROUNDINGS = (
    "its node and network, its certificates, and whether its configuration is stale (istioctl "
    "proxy-status)"
)

_AGAINST_OTHERS, _ALIKE = 5, 0.5
_ENOUGH = 10
"""So many failures are expected of the others if they failed as often: none is then no chance."""


class AtGateways(NamedTuple):
    """The gateways that fail while the others, asked for the same, do not.

    Attributes:
        names: Empty if all may fail alike.
        of: How many gateways were asked.
        same_hosts: Whether the upstream hosts answer the others, or none was asked at all; if
            not, hosts that only these gateways ask may be what fails.
    """

    names: tuple[str, ...]
    of: int
    same_hosts: bool

    @property
    def blamed(self) -> bool:
        """Whether nothing but these gateways can be the cause."""
        return bool(self.names) and self.same_hosts

    @property
    def title(self) -> str:
        """What the title of a finding says of them; empty if there is nothing to say."""
        if not self.names:
            return ""
        noun = "gateway" if len(self.names) == 1 else "gateways"
        return f", only at {noun} {listed(list(self.names))}, {len(self.names)} of {self.of}"

    def next(self, otherwise: str, look_at: str = _ITS_SURROUNDINGS) -> str:
        """Return what to do next: look at a gateway that stands out, ``otherwise`` if none does."""
        if not self.names:
            return otherwise
        name = self.names[0]
        if not self.same_hosts:
            return (
                f"Only {name} asks these hosts: if they are no pods that run, its configuration "
                f"is stale (istioctl proxy-status). If they are: {otherwise}"
            )
        return (
            f"The other gateways do not fail, so look at {name} first"
            f"{find_pod_command(name)}: {look_at}. Delete the pod if it does not recover: the "
            "others serve."
        )


EVERYWHERE = AtGateways((), 0, same_hosts=True)


def at_gateways(rows: pl.DataFrame, failed: pl.Expr, stretch: Stretch) -> AtGateways:
    """Return the gateways that alone fail, if that is no chance.

    The others must have been asked for the same, in the same time, so often that they would have
    failed too. Rows are all of the subject, as ``TrafficCounts`` has them.
    """
    gateways = rows["gateway"].to_list()
    if len(set(gateways) - {None}) < 2:  # noqa: PLR2004  # there are no others
        return EVERYWHERE
    # Rows of one subject are few, and a query costs more than its work.
    fails = rows.select(failed.fill_null(value=False)).to_series().to_list()
    counted = _counted(rows, gateways, fails, stretch)
    worst = max(rate for *_, rate in counted)
    odd = tuple(name for name, *_, rate in counted if rate >= _ALIKE * worst)
    others = [row for row in counted if row[0] not in odd]
    expected = sum(asked for _, _, asked, _ in others) * stretch.requests / max(stretch.of, 1)
    if (
        expected < _ENOUGH
        or _AGAINST_OTHERS * sum(n for _, n, _, _ in others) > expected
        or any(name in FOLDED_MARKS for name in odd)
    ):
        return EVERYWHERE
    hosts, hosts_elsewhere = set[str](), set[str]()
    for host, gateway, failing in zip(rows["upstream_host"], gateways, fails, strict=True):
        if host is not None and failing:
            hosts.add(host)
        elif host is not None and gateway is not None and gateway not in odd:
            hosts_elsewhere.add(host)
    same_hosts = not hosts or not hosts.isdisjoint(hosts_elsewhere)
    return AtGateways(odd, len(counted), same_hosts)


def _counted(
    rows: pl.DataFrame, gateways: Sequence[str | None], fails: Sequence[bool], stretch: Stretch
) -> list[tuple[str, int, float, float]]:
    """Return each gateway, how many requests failed at it, was asked in a stretch, and its rate.

    Those with most failures come first.
    """
    totals: dict[str, list[int]] = {}
    times: dict[str, tuple[list[int], list[int]]] = {}
    columns = (rows[name].to_list() for name in ("requests", "first", "last"))
    for gateway, failing, n, first, last in zip(gateways, fails, *columns, strict=True):
        if gateway is None:
            continue
        total = totals.setdefault(gateway, [0, 0])
        total[0] += n
        total[1] += n if failing else 0
        firsts, lasts = times.setdefault(gateway, ([], []))
        if first is not None and last is not None:
            firsts.append(first)
            lasts.append(last)
    counted = [
        (name, failed, n * _share_of(stretch, *times[name]), failed / n)
        for name, (n, failed) in totals.items()
    ]
    return sorted(counted, key=lambda row: (-row[1], row[0]))


def _share_of(stretch: Stretch, firsts: Sequence[int], lasts: Sequence[int]) -> float:
    """Return which share of its time a gateway was there while it failed, as far as is known."""
    if not firsts:
        # Without times nothing speaks against it.
        return 1.0
    first, last = min(firsts), max(lasts)
    since, until = stretch.episode.since, stretch.episode.until
    begin = first if since is None else max(first, since)
    end = last if until is None else min(last, until)
    # A record that stands alone lasts a microsecond.
    return min(max((end - begin + 1) / (last - first + 1), 0.0), 1.0)


_FEWEST, _NEARLY_ALL, _BY_CHANCE = 10, 0.9, 0.01


def place_of(failed: pl.DataFrame, of: pl.DataFrame, log: WholeLog) -> str | None:
    """Return where nearly all failures of a service are while it does well elsewhere, in words.

    Rows are as in ``Judged.requests``: those that failed, ``of`` all of the service.
    """
    all_failed, of_service = sum_of(failed), sum_of(of)
    if all_failed < _FEWEST:
        return None
    for column, word in (("upstream_host", "at"), ("host", "for")):
        requests, failures = _by_name(of, column), _by_name(failed, column)
        counts: dict[str | None, tuple[int, int]] = {
            name: (requests[name], n) for name, n in failures.items() if name is not None
        }
        place = _place(counts, of_service, all_failed)
        if place is not None:
            return f"{word} {place}"
    if not failed["error"].all():
        return None
    # Paths are counted by host, over all that fails there, so of another service too.
    routed, failures = Counter[str | None](), Counter[str | None]()
    for host in set(failed["host"]):
        for path, n, n_failed in log.failed_paths.of(host=host).drop("host").iter_rows():
            routed[path] += n
            failures[path] += n_failed
    # Some were only refused or unrouted, and had no request that could fail.
    by_path = {path: (n, failures[path]) for path, n in routed.items() if n > 0}
    place = _place(by_path, sum(asked for asked, _ in by_path.values()), all_failed)
    return None if place is None else f"for {place}"


def _by_name(rows: pl.DataFrame, column: str) -> Counter[str | None]:
    counted = Counter[str | None]()
    for name, n in zip(rows[column].to_list(), rows["requests"].to_list(), strict=True):
        counted[name] += n
    return counted


def _place(
    places: Mapping[str | None, tuple[int, int]], of_all: int, all_failed: int
) -> str | None:
    """Return the place, by its requests and failures, of nearly all failures; null if none."""
    if not places:
        return None
    name = min(places, key=lambda name: (-places[name][1], name is not None, name or ""))
    requests, failed = places[name]
    others, failed_of_others = of_all - requests, sum(n for _, n in places.values()) - failed
    if name is None or name in FOLDED_MARKS or not others:
        return None
    # More may fail at these paths than is told of here; what fails elsewhere bounds it.
    failed = min(failed, all_failed)
    nearly_all = failed_of_others <= (1 - _NEARLY_ALL) * all_failed
    alone = failed / requests >= _AGAINST_OTHERS * failed_of_others / others
    # Failures fall on one place by chance, the more easily the more requests it has.
    chance = (requests / (requests + others)) ** failed
    return name if nearly_all and alone and chance < _BY_CHANCE else None
