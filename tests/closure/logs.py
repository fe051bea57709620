"""Logs in which a host is served and then is not: what happened is known to the record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any

from tests.builders import Era, connection, in_era, record
from tests.closure.endings import ConnectionEnding, Ending, ending_of, settled
from tests.handmade import source_of, text_of

from envoylogs.pipeline import tally_sources
from envoylogs.summary.summary import Summary, summarize

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envoylogs.tally.tally import Tally

__all__ = ["Log", "Service", "all_alike", "only", "turned", "turned_connections"]

Record = dict[str, Any]

_START = datetime(2026, 11, 2, 6, 30, tzinfo=UTC)
_WORDS = ("cart", "pay", "search", "login", "stock", "maps", "video", "mail", "news", "chat")


@dataclass(frozen=True)
class Service:
    """A host and the service behind it."""

    word: str

    @property
    def host(self) -> str:
        """The host that clients ask for."""
        return f"{self.word}.example.com"

    @property
    def name(self) -> str:
        """The service, as people call it."""
        return f"{self.word}-svc.prod"

    @property
    def cluster(self) -> str:
        """Its cluster."""
        return f"outbound|8080||{self.name}.svc.cluster.local"

    def address(self, number: int) -> str:
        """Return the address of one of its pods."""
        return f"10.44.{sum(map(ord, self.word)) % 250}.{10 + number}:8080"


@dataclass(frozen=True)
class Log:
    """A log and what is true of it.

    Attributes:
        records: In the order of time, each with the microsecond of its start.
        service: Whose requests are harmed; null if nobody's are.
        harmed: When they start, microseconds since 1970, in ascending order.
        of: When all requests of the service start.
        errors: How many requests are errors.
        injected: How many failed because a fault rule said so.
        ended: Whether the service is served again.
        where: Else what names the harm: a server name, an address.
        besides: Lines of other hosts, at which nothing is wrong.
    """

    records: tuple[tuple[int, Record], ...] = field(repr=False)
    service: Service
    harmed: tuple[int, ...] = field(repr=False)
    of: tuple[int, ...] = field(default=(), repr=False)
    errors: int = 0
    injected: int = 0
    ended: bool = False
    where: tuple[str, ...] = ()
    besides: bytes = field(default=b"", repr=False)

    @cached_property
    def text(self) -> bytes:
        """The log as JSON lines."""
        return text_of(found for _, found in self.records) + self.besides

    @cached_property
    def tally(self) -> Tally:
        """What the program remembers of it."""
        return tally_sources([source_of(self.text)])

    @cached_property
    def summary(self) -> Summary:
        """What the program says of it."""
        return summarize(self.tally)

    @property
    def names(self) -> tuple[str, ...]:
        """Any of these tells whom it is about."""
        return self.where or (self.service.host, self.service.name)

    def until_the_last_harmed(self) -> Log:
        """Return the same log as it was at the last harmed request."""
        last = self.harmed[-1]
        return Log(tuple(found for found in self.records if found[0] <= last), self.service,
                   self.harmed, tuple(time for time in self.of if time <= last))  # fmt: skip


def _text(time_us: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _us(seconds: float) -> int:
    """Return a time of a log, in whole milliseconds as Envoy writes it."""
    start = (_START - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return start + int(seconds * 1000) * 1000


def _times(chance: Random, count: int, start_s: float, end_s: float, *, even: bool) -> list[int]:
    """Return different times in a stretch, in ascending order."""
    step = (end_s - start_s) / count
    if even:
        return [_us(start_s + step * place) for place in range(count)]
    return sorted(_us(start_s + step * (place + chance.random() * 0.98)) for place in range(count))


def _served(chance: Random, service: Service, time_us: int, gateways: int, *, grpc: bool) -> Record:
    took = max(1, int(chance.lognormvariate(3, 0.5)))
    client = f"198.51.100.{chance.randrange(1, 60)}"
    call = {"method": "POST", "path": f"/{service.word}.v1.Api/{chance.choice(('Get', 'List'))}"}
    asked = {"path": chance.choice(("/", "/items/7", "/items/81", "/orders?page=2"))}
    return record(
        start_time=_text(time_us),
        authority=service.host,
        requested_server_name=service.host,
        route_name="main",
        upstream_cluster=service.cluster,
        upstream_host=service.address(chance.randrange(3)),
        downstream_local_address=f"192.0.2.{10 + chance.randrange(gateways)}:8443",
        downstream_remote_address=f"{client}:{chance.randrange(20_000, 60_000)}",
        x_forwarded_for=client,
        duration=took + 1,
        upstream_service_time=str(took),
        request_id=f"{chance.getrandbits(64):016x}",
        **(call if grpc else asked),
    )


@dataclass(frozen=True)
class _Course:
    """When requests of a service are made, and which of them go wrong."""

    before: Sequence[int]
    during: Sequence[int]
    after: Sequence[int]
    harmed: frozenset[int]
    length_s: float


def _course(chance: Random, *, ended: bool, least: int = 20) -> _Course:
    """Return a course in which at least half of the requests go wrong from some time on."""
    even = chance.random() < 0.5
    length_s = chance.uniform(1200, 6 * 3600)
    count = chance.randint(least, 2 * least)
    made = count if chance.random() < 0.3 else int(count / chance.uniform(0.5, 1))
    start_s = length_s * chance.uniform(0.3, 0.6)
    end_s = start_s + length_s * chance.uniform(0.15, 0.25) if ended else length_s
    before = _times(chance, chance.randint(30, 60), 0, start_s, even=even)
    during = _times(chance, made, start_s, end_s, even=even)
    rest = chance.randint(40, 60) if ended else 0
    after = _times(chance, rest, end_s, length_s, even=even) if rest else []
    harmed = {during[0], during[-1], *chance.sample(during[1:-1], count - 2)}
    return _Course(before, during, after, frozenset(harmed), length_s)


def _background(chance: Random, services: Iterable[Service], length_s: float,
                gateways: int, *, grpc: bool) -> list[tuple[int, Record]]:  # fmt: skip
    """Return requests of other services that are served all the time."""
    found = []
    for service in services:
        count = chance.randint(15, 60)
        times = _times(chance, count, 0, length_s, even=chance.random() < 0.5)
        found += [(time, _served(chance, service, time, gateways, grpc=grpc)) for time in times]
    return found


def _services(chance: Random, count: int) -> list[Service]:
    return [Service(word) for word in chance.sample(_WORDS, count)]


def _log(records: list[tuple[int, Record]], era: Era, **known: Any) -> Log:
    in_order = sorted(records, key=lambda found: found[0])
    return Log(records=tuple((time, in_era(found, era)) for time, found in in_order), **known)


def turned(ending: Ending, era: Era, seed: object, *, ended: bool = False) -> Log:
    """Return a log in which a served host's requests end in a way from some time on.

    At least 20 of them and at least half of those from then on, among up to four other hosts that
    are served all the time, at one to three gateways.
    """
    chance = Random(f"{ending} {era} {seed}")
    ending = settled(ending, chance)
    gateways = chance.randint(1, 3)
    service, *others = _services(chance, chance.randint(1, 5))
    course = _course(chance, ended=ended)
    times = [*course.before, *course.during, *course.after]
    records = _background(chance, others, course.length_s, gateways, grpc=ending.grpc)
    for time_us in times:
        found = _served(chance, service, time_us, gateways, grpc=ending.grpc)
        if time_us in course.harmed:
            found = ending_of(ending, found, era, chance)
        records.append((time_us, found))
    harmed = sorted(course.harmed)
    return _log(
        records, era, service=service, harmed=tuple(harmed), of=tuple(times), ended=ended,
        errors=len(harmed) * ending.is_error, injected=len(harmed) * ending.injected,
    )  # fmt: skip


def only(ending: Ending, era: Era, seed: object) -> Log:
    """Return a log of one host whose requests all end in a way."""
    chance = Random(f"only {ending} {era} {seed}")
    ending = settled(ending, chance)
    gateways = chance.randint(1, 3)
    (service,) = _services(chance, 1)
    length_s = chance.uniform(1200, 6 * 3600)
    times = _times(chance, chance.randint(20, 120), 0, length_s, even=chance.random() < 0.5)
    records = [
        (time, ending_of(ending, _served(chance, service, time, gateways, grpc=ending.grpc),
                         era, chance))
        for time in times
    ]  # fmt: skip
    return _log(
        records, era, service=service, harmed=tuple(times), of=tuple(times),
        errors=len(times) * ending.is_error, injected=len(times) * ending.injected,
    )  # fmt: skip


def all_alike(
    endings: Sequence[tuple[Ending, float]],
    services_each: int,
    seed: object,
    *,
    gateway: int | None = None,
    address: str | None = None,
) -> tuple[Log, list[list[Service]]]:
    """Return a log in which groups of services fail, each group in one way at one time.

    Args:
        endings: Of each group, and when it begins, as a share of the log; within seconds.
        services_each: How many services a group has.
        seed: Which log.
        gateway: The only one of three at which requests fail; null for all of them.
        address: The address without port that all pods of these services have; null for their own.

    Returns:
        The log, and the services of each group.
    """
    chance = Random(f"{[str(ending) for ending, _ in endings]} {services_each} {seed}")
    length_s, gateways, era = 7200.0, 3, endings[0][0].eras[0]
    healthy = [Service(f"healthy-{number}") for number in range(2)]
    records = _background(chance, healthy, length_s, gateways, grpc=False)
    groups, harmed, errors = [], [], 0
    for number, (unsettled, share) in enumerate(endings):
        ending = settled(unsettled, chance)
        groups.append([Service(f"group{number}-app{place}") for place in range(services_each)])
        for service in groups[-1]:
            onset_s = length_s * share + chance.uniform(0, 5)
            before = _times(chance, 20, 0, onset_s - 1, even=False)
            during = _times(chance, 20, onset_s, length_s, even=False)
            # The first one is within seconds of the others'.
            during[0] = _us(onset_s)
            for time_us in (*before, *during):
                found = _served(chance, service, time_us, gateways, grpc=False)
                if address is not None:
                    found["upstream_host"] = f"{address}:{30_000 + groups[-1].index(service)}"
                if time_us in during:
                    if gateway is not None:
                        found["downstream_local_address"] = f"192.0.2.{10 + gateway}:8443"
                    found = ending_of(ending, found, era, chance)
                    harmed.append(time_us)
                    errors += ending.is_error
                records.append((time_us, found))
    log = _log(records, era, service=groups[0][0], harmed=tuple(sorted(harmed)), errors=errors)
    return log, groups


def turned_connections(ending: ConnectionEnding, seed: object, *, accepted: bool) -> Log:
    """Return a log in which connections of one kind fail from some time on.

    Args:
        ending: How.
        seed: Which log.
        accepted: Whether they are passed on until then; else none ever is, and a service of
            another kind is served besides or nothing at all.
    """
    chance = Random(f"{ending} {accepted} {seed}")
    gateways = chance.randint(1, 3)
    service, *others = _services(chance, chance.randint(2, 4))
    course = _course(chance, ended=False)
    before = course.before if accepted else ()
    times = (*before, *course.during)
    # A gateway that accepts nothing on a port may serve others; of names that clients don't send
    # only those that never get through can be told from strangers.
    besides = others if accepted or ending.names != "server_name" else []
    besides = besides if accepted or ending.server_name else []
    records = _background(chance, besides, course.length_s, gateways, grpc=False)
    listener = ":9443"
    for time_us in times:
        found = connection(
            start_time=_text(time_us),
            requested_server_name=service.host if ending.server_name else None,
            upstream_cluster=service.cluster,
            upstream_host=service.address(chance.randrange(3)),
            downstream_local_address=f"192.0.2.{10 + chance.randrange(gateways)}{listener}",
            downstream_remote_address=f"198.51.100.{chance.randrange(1, 60)}:40000",
            duration=chance.randint(500, 60_000),
        )
        if time_us in course.harmed or not accepted:
            lasted = chance.randint(*ending.duration_ms)
            found |= {"response_flags": ending.flags, "response_code_details": ending.details,
                      "bytes_sent": 0, "duration": lasted, **dict(ending.changes)}  # fmt: skip
        records.append((time_us, found))
    addresses = tuple(service.address(number).partition(":")[0] for number in range(3))
    where = {
        "server_name": (service.host,),
        "cluster": (service.host, service.name, *addresses),
        "listener": (listener, "BlackHoleCluster", service.host),
    }[ending.names]
    harmed = tuple(sorted(course.harmed)) if accepted else tuple(times)
    return _log(records, Era.V1_9, service=service, harmed=harmed, of=tuple(times), where=where)
