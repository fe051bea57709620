"""Sources that workers count say what they say when they are read here, whatever happens."""

from __future__ import annotations

import gzip
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import connection, line, lines, printed, record
from tests.engines import InTurn
from tests.envelopes import ENVELOPES, Who
from tests.strategies import logs

import envoylogs
from envoylogs.engines import counting, items, spread
from envoylogs.engines.items import Item
from envoylogs.errors import ArgumentError, EngineError, SourceError
from envoylogs.keyed.anonymize import Anonymizer
from envoylogs.keyed.plan import Hooks, ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.pipeline import tally_selections, tally_sources
from envoylogs.sources.locate import locate
from envoylogs.sources.parts import Part, aligned
from envoylogs.sources.source import STDIN_NAME, Source
from envoylogs.sources.stop import Stop
from envoylogs.tally.storage import save_tally
from envoylogs.tally.tally import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from envoylogs.tally.tally import Tally

_SOME = [record(path=f"/cart/{n}", duration=n, request_id=f"id-{n}") for n in range(40)]
_FAILED = [record(response_code=503, response_flags="UF", upstream_service_time=None)] * 3


@pytest.fixture
def in_small_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have items of few bytes."""
    monkeypatch.setattr(items, "_LEAST_BYTES", 1)


def _assert_alike(found: Tally, expected: Tally) -> None:
    for name in STATES:
        assert found.state(name) == expected.state(name), name


def _spread(path: Path | Sequence[Path], engine: InTurn | None = None, **more: Any) -> Tally:
    paths = [path] if not isinstance(path, list) else path
    return tally_sources(locate(map(str, paths)), engine=engine or InTurn(), **more)


# --- One file in parts --------------------------------------------------------------------------

_PRINTED = printed(record(path="/printed/ü")).replace(b"\n", b"\r\n")
_ENVELOPED = ENVELOPES["docker"].wrap(line(record(path="/wrapped/→")), Who())
_CONTAINED = ENVELOPES["CRI in parts"].wrap(line(record(path="/cut/é", user_agent="x" * 90)), Who())
_OF_ALL_KINDS = (
    line(record(path="/first/日本"))
    + b"\r\n"
    + b"\r\n".join([_PRINTED, *_ENVELOPED, *_CONTAINED, b"", "nô record €".encode()])
    + b"\r\n"
    + lines(*_FAILED[:1], connection())
    + line(record(path="/last"))
)


def _cut_at(path: Path, places: Iterable[int]) -> list[Item]:
    (source,) = locate([str(path)])
    (head,) = items.heads_of([source])
    starts = [0, *places]
    ends = [*starts[1:], None]
    return [
        Item((replace(source, part=Part(number, start, end)),), 1, 1, len(starts), head.first)
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


def _in_parts(path: Path, places: Iterable[int]) -> Tally:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spread, "items_of", lambda *_: _cut_at(path, places))
        return _spread(path)


def test_a_log_that_is_cut_at_any_byte_says_what_it_says_whole(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(_OF_ALL_KINDS)
    size = len(_OF_ALL_KINDS)
    expected = tally_sources(locate([str(log)]))
    assert expected.lines.of_fate("records") >= 6
    begins = {0, size, *(n + 1 for n, byte in enumerate(_OF_ALL_KINDS) if byte == 10)}
    by_boundary: dict[int, int] = {}
    with log.open("rb", buffering=0) as raw:
        for place in range(size + 1):
            first, second = aligned(raw, Part(0, 0, place)), aligned(raw, Part(1, place, None))
            # What is between is in one of both, and lines are whole.
            assert (first.start, second.end) == (0, None)
            assert first.end == second.start
            assert second.start in begins
            by_boundary[second.start] = place

    # What is read depends on these alone.
    assert by_boundary.keys() == begins
    for place in by_boundary.values():
        _assert_alike(_in_parts(log, [place]), expected)


@pytest.mark.property
@given(data=logs(), cuts=st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_any_log_that_is_cut_anywhere_says_what_it_says_whole(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cuts: list[float]
) -> None:
    log = tmp_path_factory.mktemp("parts") / "gateway.log"
    log.write_bytes(data)

    found = _in_parts(log, sorted(int(cut * len(data)) for cut in cuts))

    _assert_alike(found, tally_sources(locate([str(log)])))


def test_a_file_in_many_parts_has_its_line_numbers(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(lines(*_SOME) + b"not a record\n" + lines(*_SOME, *_FAILED))

    found = _in_parts(log, range(1, log.stat().st_size, 700))

    assert found.examples.frame["line"].to_list() == [len(_SOME) + 1]
    _assert_alike(found, tally_sources(locate([str(log)])))


def test_a_log_of_a_sidecar_is_read_by_one_worker(tmp_path: Path) -> None:
    log = tmp_path / "sidecar.log"
    inbound = record(upstream_cluster="inbound|8080||", route_name="default")
    log.write_bytes(lines(inbound, *_SOME, *_SOME))

    _assert_alike(_in_parts(log, [9_000, 20_000]), tally_sources(locate([str(log)])))


def test_a_log_that_was_written_anew_meanwhile_is_named(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(lines(*_SOME))
    parts = _cut_at(log, [5_000])
    log.write_bytes(lines(*_FAILED))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spread, "items_of", lambda *_: parts)
        found = _spread(log)

    assert found.lines.of_fate("records") == 0
    damaged = found.lines.frame.filter(fate="damaged")
    assert damaged["detail"].unique().to_list() == ["cut_log"]


# --- Many files ---------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for n in range(12):
        some = lines(*_SOME[n:], *_FAILED[: n % 3], record(request_id=f"own-{n}"))
        packed = n % 2
        path = tmp_path / f"log_{n:02}.log{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(some) if packed else some)
    (tmp_path / "empty.log").write_bytes(b"")
    (tmp_path / "pretty.log").write_bytes(b"\n".join(map(printed, _SOME)))
    return tmp_path


@pytest.mark.parametrize("workers", [1, 3, 20])
@pytest.mark.parametrize("seed", [1, 2])
def test_many_files_say_what_they_say_in_order(
    folder: Path, workers: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "_LEAST_BYTES", 3_000)
    engine = InTurn(workers, seed=seed)

    found = _spread(folder, engine)

    assert len(engine.items) > workers
    _assert_alike(found, tally_sources(locate([str(folder)])))


@pytest.mark.usefixtures("in_small_items")
def test_copies_are_counted_once_and_named(folder: Path) -> None:
    whole = lines(*_SOME, *_FAILED)
    (folder / "a.log").write_bytes(whole)
    (folder / "b.log.gz").write_bytes(gzip.compress(whole))
    (folder / "c.log").write_bytes(whole[: whole.index(b"\n", 9_000) + 1])
    (folder / "d.log").write_bytes(whole + lines(record(path="/later")))
    (folder / "e.log").write_bytes(lines(_SOME[0])[:-1])

    found = _spread(folder)

    assert found.lines.of_fate("copied") > 0
    _assert_alike(found, tally_sources(locate([str(folder)])))


@pytest.mark.usefixtures("in_small_items")
def test_logs_that_begin_with_the_same_line_alone_are_read_apart(tmp_path: Path) -> None:
    for n in range(6):
        (tmp_path / f"{n}.log").write_bytes(b"{\n" + printed(_SOME[n])[2:] + b"\n" * 500)

    engine = InTurn()
    found = _spread(tmp_path, engine)

    read = [item for item in engine.items if isinstance(item, Item)]
    assert len(read) > 3
    assert not any(item.is_family for item in read)
    _assert_alike(found, tally_sources(locate([str(tmp_path)])))


def test_several_selections_are_counted_in_one_pass(folder: Path) -> None:
    selections = [
        Selection.of({}),
        Selection.of({"code": ["503"]}),
        Selection.of({}, where="duration_ms > 10", since_us=0),
    ]

    found = tally_selections(locate([str(folder)]), selections, engine=InTurn())

    expected = tally_selections(locate([str(folder)]), selections)
    for one, other in zip(found, expected, strict=True):
        _assert_alike(one, other)


@pytest.mark.usefixtures("in_small_items")
def test_names_are_hidden_as_here(folder: Path) -> None:
    plan = ReadPlan(anonymizer=Anonymizer(b"k" * 32))
    (folder / "big.log").write_bytes(lines(*_SOME * 3, *_FAILED))

    found = _spread(folder, plan=plan)

    _assert_alike(found, tally_sources(locate([str(folder)]), plan=plan))


@pytest.mark.property
@given(
    files=st.lists(logs(), min_size=2, max_size=5),
    seed=st.integers(0, 99),
    size=st.integers(1, 4000),
)
def test_any_logs_say_what_they_say_in_order(
    tmp_path_factory: pytest.TempPathFactory, files: list[bytes], seed: int, size: int
) -> None:
    folder = tmp_path_factory.mktemp("spread")
    for n, data in enumerate(files):
        packed = n % 3 == 2
        path = folder / f"{n}.log{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(items, "_LEAST_BYTES", size)
        found = _spread(folder, InTurn(seed=seed))

    _assert_alike(found, tally_sources(locate([str(folder)])))


# --- What is read here --------------------------------------------------------------------------


def test_pipes_and_saved_tallies_are_read_here(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "pipe.log").write_bytes(lines(record(path="/piped")))
    (other / "saved.log").write_bytes(lines(record(path="/saved")))
    save_tally(tally_sources(locate([str(other / "saved.log")])), other / "saved.tally")
    engine = InTurn()
    with (other / "pipe.log").open("rb") as pipe:
        monkeypatch.setattr("sys.stdin", _Text(pipe))
        sources = [*locate([str(folder), str(other / "saved.tally")]), Source(STDIN_NAME, None)]
        found = tally_sources(sources, engine=engine)

    sent = {
        source.name for item in engine.items if isinstance(item, Item) for source in item.sources
    }
    assert STDIN_NAME not in sent
    assert not any(name.endswith(".tally") for name in sent)
    alone = tally_sources(locate([str(folder)])).lines.of_fate("records")
    assert found.lines.of_fate("records") == alone + 2


class _Text:
    def __init__(self, buffer: Any) -> None:
        self.buffer = buffer


def test_of_nothing_nothing_is_asked(tmp_path: Path) -> None:
    (tmp_path / "saved.log").write_bytes(lines(*_SOME))
    save_tally(tally_sources(locate([str(tmp_path / "saved.log")])), tmp_path / "saved.tally")
    engine = InTurn()

    found = _spread(tmp_path / "saved.tally", engine)

    assert not engine.items
    assert found.lines.of_fate("records") == len(_SOME)


# --- What goes wrong ----------------------------------------------------------------------------


def _problems(found: Tally) -> dict[str, str]:
    rows = found.lines.frame.filter(fate="damaged").select("source", "detail")
    return {name.rpartition("/")[2]: detail for name, detail in rows.iter_rows()}


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(lines(*_SOME))
    sources = locate([str(log)])
    log.unlink()

    with pytest.raises(SourceError, match=r"gateway\.log: no such file"):
        tally_sources(sources, engine=InTurn())


def test_a_file_of_a_folder_that_no_worker_can_read_is_named(folder: Path) -> None:
    sources = locate([str(folder)])
    (folder / "log_03.log.gz").unlink()
    (folder / "log_04.log").unlink()

    found = tally_sources(sources, engine=InTurn())

    assert _problems(found) == {"log_03.log.gz": "gone_log", "log_04.log": "gone_log"}
    left = tally_sources(locate([str(folder)]))
    assert found.lines.of_fate("records") == left.lines.of_fate("records")


def test_a_file_that_goes_after_it_was_looked_at_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*given: Any) -> list[Item]:
        found = items.items_of(*given)
        (folder / "log_03.log.gz").unlink()
        (folder / "log_04.log").unlink()
        return found

    monkeypatch.setattr(spread, "items_of", gone)

    found = _spread(folder)

    assert _problems(found) == {"log_03.log.gz": "gone_log", "log_04.log": "gone_log"}
    left = tally_sources(locate([str(folder)]))
    assert found.lines.of_fate("records") == left.lines.of_fate("records")


def test_a_source_whose_workers_die_is_named_and_the_others_are_counted(folder: Path) -> None:
    def kills(item: Any) -> bool:
        of_item = isinstance(item, Item)
        return of_item and any("log_05" in source.name for source in item.sources)

    found = _spread(folder, InTurn(kills=kills))

    assert _problems(found) == {"log_05.log.gz": "lost_log"}
    (folder / "log_05.log.gz").unlink()
    left = tally_sources(locate([str(folder)]))
    assert found.lines.of_fate("records") == left.lines.of_fate("records")


def test_a_worker_that_dies_of_a_part_once_loses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(lines(*_SOME, *_FAILED))

    def kills(item: Any) -> bool:
        return isinstance(item, Item) and item.tries == 0 and item.sources[0].part is not None

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spread, "items_of", lambda *_: _cut_at(log, [3_000, 9_000]))
        found = _spread(log, InTurn(kills=kills))

    _assert_alike(found, tally_sources(locate([str(log)])))


def test_a_part_whose_workers_die_is_missing_and_named(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(lines(*_SOME))
    parts = _cut_at(log, [9_000])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spread, "items_of", lambda *_: parts)
        engine = InTurn(
            kills=lambda item: isinstance(item, Item) and item.sources == parts[0].sources
        )
        found = _spread(log, engine)

    assert _problems(found) == {"gateway.log": "lost_log"}
    assert 0 < found.lines.of_fate("records") < len(_SOME)


def test_what_was_counted_when_somebody_stops_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "_LEAST_BYTES", 1)
    monkeypatch.setattr(items, "MOST_BYTES", 5_000)
    log = tmp_path / "gateway.log"
    log.write_bytes(lines(*_SOME * 4))
    stop = Stop()

    class _Progress:
        n = 0

        def bytes_read(self, _: int) -> None:
            self.n += 1
            if self.n == 3:
                stop.request()

        def lines_read(self, _: int) -> None: ...

    hooks = Hooks(stop=stop, progress=_Progress())
    found = _spread(log, InTurn(workers=2), hooks=hooks)

    n = found.lines.of_fate("records")
    assert 0 < n < len(_SOME) * 4
    # A log that ends there.
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:n]))
    _assert_alike(found, tally_sources(locate([str(log)])))


def test_stopped_before_it_begins_there_is_nothing(folder: Path) -> None:
    stop = Stop()
    stop.request()

    found = _spread(folder, hooks=Hooks(stop=stop))

    assert found.lines.of_fate("records") == 0


def test_what_asks_for_an_order_is_refused(folder: Path) -> None:
    with pytest.raises(EngineError, match="--distinct-requests"):
        _spread(folder, plan=ReadPlan(selection=Selection.of({}, distinct=True)))
    with pytest.raises(EngineError, match="--rejects"):
        _spread(folder, hooks=Hooks(on_malformed=lambda _: None))


def test_a_worker_of_another_version_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Older(InTurn):
        def submit(self, function: Any, item: Any) -> Any:
            monkeypatch.setattr(counting, "__version__", "0.0.1")
            return super().submit(function, item)

    with pytest.raises(EngineError, match=r"envoylogs 0\.0\.1, and \d"):
        _spread(folder, Older())


# --- Handing out --------------------------------------------------------------------------------


def test_results_are_added_up_a_few_at_a_time() -> None:
    at_once: list[int] = []

    class Watched(InTurn):
        def merge(self, function: Any, results: Any) -> Any:
            at_once.append(len(results))
            return super().merge(function, results)

    found = Watched().map_merge(_square, range(1_000), _sum)

    assert found == sum(n * n for n in range(1_000))
    assert max(at_once) <= 16


def test_few_items_are_handed_out_before_the_first_is_done() -> None:
    asked: list[int] = []
    done: list[int] = []

    def numbers() -> Iterable[int]:
        for n in range(50):
            assert n - len(done) <= 6
            asked.append(n)
            yield n

    InTurn(workers=3).map_merge(_square, numbers(), _sum, done=done.append)

    assert sorted(done) == asked == list(range(50))


def test_what_is_lost_is_told_or_an_error() -> None:
    def kills(item: Any) -> bool:
        return bool(item == 3)

    found = InTurn(kills=kills).map_merge(_square, range(5), _sum, lost=lambda n: 100 * n)

    assert found == 0 + 1 + 4 + 300 + 16
    with pytest.raises(EngineError, match="die of what they are given"):
        InTurn(kills=kills).map_merge(_square, range(5), _sum)
    of_nothing: int | None = InTurn().map_merge(_square, range(0), _sum)
    assert of_nothing is None


def test_what_a_worker_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        InTurn().map_merge(_inverse, range(3), _sum)


def _sum(found: Sequence[int]) -> int:
    return sum(found)


def _square(n: int) -> int:
    return n * n


def _inverse(n: int) -> int:
    return 1 // n


def test_the_library_takes_engines(folder: Path) -> None:
    found = envoylogs.analyze(folder, engine=InTurn())

    expected = envoylogs.analyze(folder)
    assert found.table("groups").equals(expected.table("groups"))
    with pytest.raises(ArgumentError, match="engine: 'spark' is none"):
        envoylogs.analyze(folder, engine="spark")
    with pytest.raises(ArgumentError, match="counted already"):
        envoylogs.analyze(envoylogs.read(folder), engine=InTurn())


def test_parts_of_a_file_are_as_large_as_each_other(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(lines(*_SOME))
    (source,) = locate([str(log)])
    size = log.stat().st_size

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(items, "_LEAST_BYTES", 1)
        found = items.items_of([source], items.heads_of([source]), 3)

    parts = [item.sources[0].part for item in found]
    starts = [part.start for part in parts if part is not None]
    assert len(found) == 6
    assert all(abs(b - a - size / 6) <= 1 for a, b in pairwise([*starts, size]))
