"""Sources to a tally: the one place that joins the stages."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envoylogs import schema
from envoylogs.envoy.derived import columns_behind
from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.envoy.roles import ProxiesSeen
from envoylogs.errors import TallyQuestionError
from envoylogs.keyed.batches import Decoded, Wanted, decode
from envoylogs.keyed.selection import NOTHING_SELECTED, Selection
from envoylogs.tally.days import DaySums
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec
from envoylogs.tally.storage import is_saved_tally, load_tally
from envoylogs.tally.tally import TallySum

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from envoylogs.envoy.text_formats import TextFormat
    from envoylogs.keyed.anonymize import Anonymizer
    from envoylogs.keyed.batches import Batch
    from envoylogs.reading.progress import Progress
    from envoylogs.sources.known_logs import KnownLogs
    from envoylogs.sources.source import Source
    from envoylogs.sources.stop import Stop
    from envoylogs.tally.running import RunningTally
    from envoylogs.tally.tally import Tally

__all__ = [
    "Reading",
    "spec_of_saved",
    "tally_new_lines",
    "tally_sources",
]

# One thread decodes, which holds the interpreter; another normalizes and observes, which is Polars
# and does not. So many batches may wait between the two.
_AHEAD = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How sources are read to be counted.

    Attributes:
        selection: Which records to count.
        text_format: The user's own format of TEXT lines, tried before the defaults.
        keys: Which keys hold which columns.
        on_malformed: Called with each malformed line as it was.
        stop: Ends the reading early; what was read until then is returned.
        progress: Is told of every read.
        anonymizer: Replaces what may say who somebody is; null leaves it.
    """

    selection: Selection = NOTHING_SELECTED
    text_format: TextFormat | None = None
    keys: FieldKeys = DEFAULT_KEYS
    on_malformed: Callable[[bytes], None] | None = None
    stop: Stop | None = None
    progress: Progress | None = None
    anonymizer: Anonymizer | None = None

    def spec(self, spec: TallySpec) -> TallySpec:
        """Return a specification with what this reading says of what is counted."""
        anonymized = None if self.anonymizer is None else self.anonymizer.fingerprint
        return replace(spec, selection=self._selection_text, anonymized=anonymized)

    @property
    def _selection_text(self) -> str | None:
        if not self.selection:
            return None
        anonymizer = self.anonymizer
        return self.selection.text if anonymizer is None else anonymizer.text_of(self.selection)

    @property
    def meaning(self) -> dict[str, str]:
        """The options that say what lines mean, each with its value; none for the usual meaning."""
        # Which key of a column is read first is in their order; no other order matters.
        pairs = sorted(self.keys.mapped, key=lambda pair: pair[1])
        mapped = ",".join(f"{column}={key}" for key, column in pairs)
        text_format = "" if self.text_format is None else self.text_format.text
        options = {"--map": mapped, "--text-format": text_format}
        return {name: value for name, value in options.items() if value}

    def wanted(self, columns: Collection[str]) -> Wanted:
        """Return that these columns are wanted, read in this way."""
        return Wanted(
            columns,
            self.selection,
            text_format=self.text_format,
            keys=self.keys,
            anonymizer=self.anonymizer,
        )

    def decoded(
        self,
        sources: Iterable[Source],
        spec: TallySpec,
        logs: KnownLogs | None = None,
        proxies: ProxiesSeen | None = None,
    ) -> Iterator[Decoded]:
        """Read sources as a tally of this specification needs them; see ``decode``."""
        asked = columns_behind((*spec.by, *spec.joint))
        wanted = self.wanted(schema.TALLIED | asked)
        return decode(
            sources,
            replace(wanted, seldom=schema.OF_EXAMPLES - asked),
            on_malformed=self.on_malformed,
            logs=logs,
            proxies=proxies,
            stop=self.stop,
            progress=self.progress,
        )


_USUAL = Reading()
_OWN_LIMITS: Mapping[str, int] = {}


def tally_sources(
    sources: Iterable[Source],
    *,
    spec: TallySpec = DEFAULT_SPEC,
    reading: Reading = _USUAL,
    limits: Mapping[str, int] = _OWN_LIMITS,
) -> Tally:
    """Read sources and return what is remembered of all their lines.

    Args:
        sources: What to read, in order: logs, and saved tallies of the same
            specification.
        spec: What to remember.
        reading: How they are read.
        limits: What saved tallies are held to, by names of ``TallySpec``; what
            has a smaller limit keeps it, since there is no more of it.

    Raises:
        SourceError: If a source can't be opened or read.
        TallyError: If a saved tally can't be read, added or selected from.
    """
    # A log that is read here is selected from here, whatever a saved tally beside it was.
    spec = reading.spec(spec)
    adding = TallySum(spec)
    any_log = False
    saved: list[Tally] = []

    def logs() -> Iterator[Source]:
        for source in sources:
            if is_saved_tally(source):
                tally = load_tally(source)
                _refuse_unlike(tally.spec, source.name, reading, spec.selection)
                saved.append(tally.held_to(limits))
            else:
                nonlocal any_log
                any_log = True
                yield source

    _observe(reading.decoded(logs(), spec), adding.add)
    total, *others = [*([adding.total()] if any_log or not saved else []), *saved]
    return total.merge(*others) if others else total


def _refuse_unlike(spec: TallySpec, name: str, reading: Reading, selected: str | None) -> None:
    """Refuse a saved tally that can't be read as it was asked for.

    Raises:
        TallyQuestionError: If it has names that were to be anonymized, or
            records that were not selected.
    """
    if reading.anonymizer is not None and spec.anonymized is None:
        raise TallyQuestionError.not_anonymized(name)
    if selected is not None and spec.selection != selected:
        raise TallyQuestionError.not_selectable(name, reading.selection.text, spec.selection)


def tally_new_lines(
    sources: Iterable[Source], before: RunningTally, *, by_day: bool, reading: Reading = _USUAL
) -> RunningTally:
    """Read what is new in logs and return what is remembered of all there was.

    Args:
        sources: Logs in files, in order.
        before: What was counted before; its logs are brought up to date.
        by_day: Whether days are kept apart from now on.
        reading: How they are read.

    Raises:
        SourceError: If a source can't be opened or read.
    """
    now_us = time.time_ns() // 1000
    adding = DaySums(before.spec, before.days, by_day=by_day, now_us=now_us)
    proxies = ProxiesSeen()
    _observe(reading.decoded(sources, before.spec, before.logs, proxies), adding.add)
    before.logs.with_proxies(proxies.sidecars, proxies.gateways, proxies.waypoints)
    return replace(before, days=adding.totals())


def _observe(decoding: Iterable[Decoded], add: Callable[[Batch], None]) -> None:
    """Normalize and add batches while the next ones are decoded."""

    def observe(decoded: Decoded) -> None:
        add(decoded.normalized())

    running: deque[Future[None]] = deque()
    with ThreadPoolExecutor(max_workers=1) as observer:
        for decoded in decoding:
            running.append(observer.submit(observe, decoded))
            if len(running) > _AHEAD:
                running.popleft().result()
        for future in running:
            future.result()


def spec_of_saved(sources: Iterable[Source]) -> TallySpec | None:
    """Return the specification of the first saved tally among some sources, None without any.

    Raises:
        TallyError: If that tally can't be read.
    """
    first = next((source for source in sources if is_saved_tally(source)), None)
    return None if first is None else load_tally(first).spec
