"""Sources to a tally: the one place that joins the stages."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from envoylogs import schema
from envoylogs.engines.apart import Asked
from envoylogs.engines.side_by_side import SideBySide
from envoylogs.engines.spread import Spread
from envoylogs.envoy.roles import ProxiesSeen
from envoylogs.envoy.traffic import columns_behind
from envoylogs.errors import TallyQuestionError
from envoylogs.keyed.decoding import COMPACT_RECORDS, decode
from envoylogs.keyed.distinct_requests import RequestsSeen
from envoylogs.keyed.plan import NO_HOOKS, Hooks, ReadPlan
from envoylogs.reading.decoded_block import PATH_SHAPE
from envoylogs.reading.decoders.choice import decoder_choice
from envoylogs.sources.known_logs import KnownLogs
from envoylogs.tally.days import DaySums
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec
from envoylogs.tally.storage import holds_records, is_saved_tally, load_spec, load_tally
from envoylogs.tally.tally_sum import TallySum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from envoylogs.engines.engine import Engine
    from envoylogs.keyed.batches import Decoded
    from envoylogs.keyed.selection import Selection
    from envoylogs.sources.source import Source
    from envoylogs.tally.running import RunningTally
    from envoylogs.tally.tally import Tally

# One thread decodes, which holds the interpreter; another normalizes and observes, which is Polars
# and does not. So many batches may wait between the two.
_AHEAD = 1

_CODED = frozenset({"upstream_host", PATH_SHAPE})
"""What states count by and no one reads, but of examples."""

_Result = TypeVar("_Result")
_USUAL = ReadPlan()
_OWN_LIMITS: Mapping[str, int] = {}


def tally_source(
    source: Source,
    plan: ReadPlan = _USUAL,
    *,
    spec: TallySpec = DEFAULT_SPEC,
    hooks: Hooks = NO_HOOKS,
) -> Tally:
    """Read one source and return what is remembered of it: the unit of work.

    The sum over sources is what ``tally_sources`` returns, wherever each is
    read, if none of them is a copy of another one.

    Raises:
        SourceError: If the source can't be opened or read.
        TallyError: As ``tally_sources``; also if the plan asks for distinct
            requests, which one source alone can't tell.
    """
    if plan.selection.distinct:
        raise TallyQuestionError(
            f"{source.name}: which of its requests other sources hold too can't be told from it "
            "alone. Read all sources together for distinct requests."
        )
    return tally_sources([source], spec=spec, plan=plan, hooks=hooks)


def tally_sources(  # noqa: PLR0913  # one parameter a concern of the caller
    sources: Iterable[Source],
    *,
    spec: TallySpec = DEFAULT_SPEC,
    plan: ReadPlan = _USUAL,
    hooks: Hooks = NO_HOOKS,
    limits: Mapping[str, int] = _OWN_LIMITS,
    engine: Engine[Any] | None = None,
) -> Tally:
    """Read sources and return what is remembered of all their lines.

    Args:
        sources: What to read, in order: logs, and saved tallies of the same
            specification.
        spec: What to remember.
        plan: How they are read; the columns follow from what is remembered.
        hooks: What is told of the reading.
        limits: What saved tallies are held to, by names of ``TallySpec``; what
            has a smaller limit keeps it, since there is no more of it.
        engine: What counts files and objects; null counts them here, side by side.

    Raises:
        SourceError: If a source can't be opened or read.
        TallyError: If a saved tally can't be read, added or selected from.
        EngineError: If the engine can't count them, or not what is asked.
    """
    (tally,) = tally_selections(
        sources, [plan.selection], spec=spec, plan=plan, hooks=hooks, limits=limits, engine=engine
    )
    return tally


def tally_selections(  # noqa: PLR0913  # one parameter a concern of the caller
    sources: Iterable[Source],
    selections: Sequence[Selection],
    *,
    spec: TallySpec = DEFAULT_SPEC,
    plan: ReadPlan = _USUAL,
    hooks: Hooks = NO_HOOKS,
    limits: Mapping[str, int] = _OWN_LIMITS,
    engine: Engine[Any] | None = None,
) -> list[Tally]:
    """Read sources once and return what is remembered of each of some selections.

    Each takes the place of the plan's own; all else is as of ``tally_sources``.
    """
    plans = [replace(plan, selection=selection) for selection in selections]
    # A log that is read here is selected from here, whatever a saved tally beside it was.
    specs = [spec_of_plan(spec, each) for each in plans]
    sums = [TallySum(each) for each in specs]
    columns = frozenset[str]().union(*(selection.columns for selection in selections))
    wanted = plan_of_tally(plan, spec, columns)
    known = KnownLogs()
    counted = Asked(wanted, tuple(zip(selections, specs, strict=True)))
    spread = Spread(engine, counted, hooks)
    beside = _side_by_side(counted, hooks, known)
    saved: list[Tally] = []

    def logs() -> Iterator[Source]:
        """Yield the logs that are read in order; all others are read on the way."""
        for source in spread.expanded(sources):
            if is_saved_tally(source):
                tally = load_tally(source)
                for each in plans:
                    _refuse_unlike(tally.spec, source.name, each)
                saved.append(tally.held_to(limits))
            elif not spread.takes(source):
                yield from beside.offered(source)
        yield from beside.rest()

    asked = [(selection, RequestsSeen()) for selection in selections]

    def observe(decoded: Decoded) -> None:
        for adding, batch in zip(sums, decoded.selected_by(asked), strict=True):
            adding.add(batch)

    # One is decoded, one waits, one is counted, and what was made of it is as large again.
    records = COMPACT_RECORDS // 4
    reading = decode(logs(), wanted, hooks=hooks, compact_records=records, logs=known)
    for _ in work_ahead(reading, observe):
        pass
    found = []
    elsewhere = [*beside.tallies(), *spread.tallies()]
    for place, adding in enumerate(sums):
        read = [tallies[place] for tallies in elsewhere]
        in_order = [adding.total()] if beside.any_in_order or not (read or saved) else []
        total, *others = [*in_order, *read, *saved]
        found.append(total.merge(*others) if others else total)
    return found


def _side_by_side(asked: Asked, hooks: Hooks, logs: KnownLogs) -> SideBySide:
    """Return what reads files side by side, if it does not matter which record comes first."""
    distinct = any(selection.distinct for selection, _ in asked.selections)
    # Without the compiled decoder threads would wait for one another.
    is_alone = distinct or hooks.on_malformed is not None or not decoder_choice().is_compiled
    return SideBySide(asked, hooks, logs, threads=1 if is_alone else None)


def spec_of_plan(spec: TallySpec, plan: ReadPlan) -> TallySpec:
    """Return a specification with what a plan says of what is counted."""
    anonymized = None if plan.anonymizer is None else plan.anonymizer.fingerprint
    return replace(spec, selection=plan.selection_text, anonymized=anonymized)


def plan_of_tally(plan: ReadPlan, spec: TallySpec, selected: Iterable[str] = ()) -> ReadPlan:
    """Return a plan with the columns that a tally and selections ask."""
    turned_away = {"path" if name == "query" else name for name in spec.turned_away}
    asked = columns_behind((*spec.by, *spec.joint, *turned_away)).union(selected)
    # Names are replaced by tokens value by value.
    coded = _CODED - asked if plan.anonymizer is None else frozenset[str]()
    if "path" in asked | plan.selection.columns:
        coded -= {PATH_SHAPE}
    return replace(
        plan,
        columns=schema.TALLIED | asked,
        # Of paths that nobody asks for their groups are counted, which their shapes tell.
        seldom=(schema.OF_EXAMPLES | {"path"}) - asked,
        coded=coded - plan.selection.columns,
    )


def _refuse_unlike(spec: TallySpec, name: str, plan: ReadPlan) -> None:
    """Refuse a saved tally that can't be read as it was asked for."""
    if plan.anonymizer is not None and spec.anonymized is None:
        raise TallyQuestionError(
            f"{name}: is a saved tally of names as they were logged, which can't be anonymized "
            "afterwards. Read the logs again with --anonymize, or give --no-anonymize."
        )
    selected = plan.selection_text
    if selected is not None and spec.selection != selected:
        raise TallyQuestionError.not_selectable(name, plan.selection.text, spec.selection)


def tally_new_lines(
    sources: Iterable[Source],
    before: RunningTally,
    *,
    by_day: bool,
    plan: ReadPlan = _USUAL,
    hooks: Hooks = NO_HOOKS,
) -> RunningTally:
    """Read what is new in logs and return what is remembered of all there was.

    Args:
        sources: Logs in files, in order.
        before: What was counted before; its logs are brought up to date.
        by_day: Whether days are kept apart from now on.
        plan: How they are read.
        hooks: What is told of the reading.

    Raises:
        SourceError: If a source can't be opened or read.
    """
    now_us = time.time_ns() // 1000
    adding = DaySums(before.spec, before.days, by_day=by_day, now_us=now_us)
    proxies = ProxiesSeen()
    asked = plan_of_tally(plan, before.spec)
    decoding = decode(sources, asked, hooks=hooks, logs=before.logs, proxies=proxies)
    for _ in work_ahead(decoding, lambda decoded: adding.add(decoded.normalized())):
        pass
    before.logs.with_proxies(proxies.sidecars, proxies.gateways, proxies.waypoints)
    return replace(before, days=adding.totals())


def work_ahead(
    decoding: Iterable[Decoded], work: Callable[[Decoded], _Result], *, waiting: int = _AHEAD
) -> Iterator[_Result]:
    """Do the rest of the work on batches while the next ones are decoded.

    Args:
        decoding: Batches; the one loop over them is here.
        work: Done for one after the other, in a thread.
        waiting: How many batches are decoded before a result is handed out; 0
            answers at once what comes through a pipe.

    Yields:
        What the work returns, in order.
    """
    running: deque[Future[_Result]] = deque()
    worker = ThreadPoolExecutor(max_workers=1)
    is_dropped = False
    try:
        for decoded in decoding:
            running.append(worker.submit(work, decoded))
            if len(running) > waiting:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    except GeneratorExit:
        # A query that has enough drops this anywhere, in the thread of the pool too, which can't
        # wait for itself.
        is_dropped = True
        raise
    finally:
        worker.shutdown(wait=not is_dropped, cancel_futures=True)
        # What reads ahead for it ends with it; a list of batches has nothing to end.
        if not is_dropped and isinstance(decoding, Generator):
            decoding.close()


def spec_of_saved(sources: Iterable[Source]) -> TallySpec | None:
    """Return the specification of the first saved tally among some sources, None without any.

    Raises:
        TallyError: If that tally can't be read.
    """
    first = next((s for s in sources if is_saved_tally(s) and not holds_records(s)), None)
    return None if first is None else load_spec(first)
