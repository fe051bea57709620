"""Files that are read side by side say what they say when they are read in order."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import connection, line, lines, printed, record
from tests.strategies import logs

from envoylogs import pipeline
from envoylogs.engines import side_by_side, threads
from envoylogs.engines.apart import Asked
from envoylogs.engines.side_by_side import SideBySide
from envoylogs.errors import SourceError
from envoylogs.keyed.anonymize import Anonymizer
from envoylogs.keyed.decoding import decode
from envoylogs.keyed.plan import Hooks, ReadPlan
from envoylogs.keyed.selection import NOTHING_SELECTED
from envoylogs.pipeline import plan_of_tally, tally_sources
from envoylogs.sources import parts
from envoylogs.sources.known_logs import KnownLogs
from envoylogs.sources.locate import locate
from envoylogs.sources.parts import parts_of
from envoylogs.sources.stop import Stop
from envoylogs.tally.spec import DEFAULT_SPEC
from envoylogs.tally.tally import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envoylogs.sources.source import Source
    from envoylogs.tally.tally import Tally

pytestmark = pytest.mark.usefixtures("compiled_decoder")


def _in_order(path: Path) -> Tally:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(side_by_side, "cores", lambda: 1)
        return tally_sources(locate([str(path)]))


def _in_parts(
    path: Path, n: int = 3, hooks: Hooks | None = None, *, block_bytes: int = parts.BLOCK_BYTES
) -> Tally | None:
    """Return the tally of a file in so many parts; null if it must be read in order.

    A batch is of about one block, so small ones are many batches.
    """
    (source,) = locate([str(path)])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(side_by_side, "_PART_BYTES", 1)
        patched.setattr(threads, "BATCH_RECORDS", 1)
        patched.setattr(threads, "COMPACT_RECORDS", 1)
        patched.setattr(parts, "BLOCK_BYTES", block_bytes)
        beside = _side_by_side(n, hooks)
        if [*beside.offered(source), *beside.rest()]:
            return None
        return beside.tallies()[0][0]


def _side_by_side(n: int, hooks: Hooks | None = None) -> SideBySide:
    plan = plan_of_tally(ReadPlan(), DEFAULT_SPEC)
    asked = Asked(plan, ((NOTHING_SELECTED, DEFAULT_SPEC),))
    return SideBySide(asked, hooks or Hooks(), KnownLogs(), threads=n)


def _in_groups(path: Path, n: int = 3, group_bytes: int = 1 << 30) -> tuple[Tally, list[str]]:
    """Return the tally of a folder, and the names of the files that were read in order."""
    in_order: list[str] = []

    def noted(sources: Iterable[Source]) -> Iterator[Source]:
        for one in sources:
            in_order.append(Path(one.name).name)
            yield one

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(side_by_side, "cores", lambda: n)
        patched.setattr(side_by_side, "_LEAST_BYTES", 1)
        patched.setattr(side_by_side, "_GROUP_BYTES", group_bytes)
        patched.setattr(threads, "BATCH_RECORDS", 1)
        patched.setattr(threads, "COMPACT_RECORDS", 1)
        patched.setattr(pipeline, "decode", lambda of, *a, **k: decode(noted(of), *a, **k))
        return tally_sources(locate([str(path)])), in_order


def _assert_alike(found: Tally, expected: Tally) -> None:
    for name in STATES:
        assert found.state(name) == expected.state(name), name


_SOME = [record(path=f"/cart/{n}", duration=n, request_id=f"id-{n}") for n in range(40)]
_FAILED = [record(response_code=503, response_flags="UF", upstream_service_time=None)] * 3


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("n", range(2, 9))
def test_a_file_in_parts_is_the_same_file(tmp_path: Path, n: int, end: bytes) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(end.join(map(line, [*_SOME, *_FAILED, connection(), *_SOME])) + end)

    found = _in_parts(log, n)

    assert found is not None
    _assert_alike(found, _in_order(log))


def test_examples_are_found_in_all_of_many_batches(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    failed = [
        [one | {"request_id": f"failed-{n}", "downstream_remote_address": f"192.0.2.{n}:1"}]
        for n, one in enumerate(_FAILED * 8)
    ]
    log.write_bytes(b"".join(lines(*_SOME, *one) for one in failed))

    found = _in_parts(log, 2, block_bytes=4000)

    assert found is not None
    _assert_alike(found, _in_order(log))
    assert found.evidence.frame["request_id"].str.starts_with("failed-").all()
    assert found.evidence.frame["client"].null_count() == 0


def test_lines_are_numbered_through_the_file(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(lines(*_SOME) + b"not a record\n" + lines(*_SOME, *_FAILED))

    found = _in_parts(log, 4)

    assert found is not None
    assert found.examples.frame["line"].to_list() == [len(_SOME) + 1]
    assert min(found.evidence.frame["line"]) > 2 * len(_SOME)


def test_lines_are_numbered_through_the_file_if_its_name_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(lines(*_SOME, *_SOME, *_FAILED))
    plan = ReadPlan(anonymizer=Anonymizer(b"k" * 32))
    expected = tally_sources(locate([str(log)]), plan=plan)
    monkeypatch.setattr(side_by_side, "_PART_BYTES", 1)
    monkeypatch.setattr(side_by_side, "cores", lambda: 3)

    _assert_alike(tally_sources(locate([str(log)]), plan=plan), expected)


def test_a_file_without_a_last_line_end_has_all_its_lines(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(lines(*_SOME).rstrip(b"\n"))

    found = _in_parts(log)

    assert found is not None
    _assert_alike(found, _in_order(log))


def test_what_has_begun_at_the_end_of_a_part_is_read_in_order(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(b"\n".join(map(printed, _SOME)))

    outcomes = {_in_parts(log, n) is None for n in range(2, 30)}

    assert True in outcomes
    assert _in_order(log).lines.of_fate("records") == len(_SOME)


def test_rows_whose_columns_the_first_line_names_are_read_in_order(tmp_path: Path) -> None:
    log = tmp_path / "export.csv"
    names = list(_SOME[0])
    rows = [",".join(str(found[name] or "") for name in names) for found in _SOME]
    log.write_text("\n".join([",".join(names), *rows]), encoding="utf-8")

    assert _in_parts(log) is None


def test_a_log_of_a_sidecar_is_read_in_order(tmp_path: Path) -> None:
    log = tmp_path / "sidecar.log"
    inbound = record(upstream_cluster="inbound|8080||")
    log.write_bytes(lines(*_SOME, inbound, *_SOME))

    assert _in_parts(log) is None


def test_archives_and_other_encodings_are_read_in_order(tmp_path: Path) -> None:
    for name, data in {
        "a.gz": b"\x1f\x8b\x08" + bytes(64),
        "utf16.log": lines(*_SOME).decode().encode("utf-16"),
    }.items():
        (tmp_path / name).write_bytes(data)

        assert _in_parts(tmp_path / name) is None


def test_a_copy_of_a_log_that_was_read_in_parts_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "_PART_BYTES", 1)
    monkeypatch.setattr(side_by_side, "cores", lambda: 3)
    for name in ("a.log", "copy.log"):
        (tmp_path / name).write_bytes(lines(*_SOME))

    found = tally_sources(locate([str(tmp_path)]))

    assert found.lines.of_fate("records") == len(_SOME)
    assert found.lines.of_fate("copied") == (tmp_path / "a.log").stat().st_size


def test_what_was_read_when_somebody_stops_it_is_counted_by_its_lines(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(lines(*_SOME))
    stop = Stop()
    stop.request()

    found = _in_parts(log, hooks=Hooks(stop=stop))

    assert found is not None
    assert found.lines.of_fate("records") == 0


def test_parts_end_where_lines_do(tmp_path: Path) -> None:
    data = lines(*_SOME)
    path = tmp_path / "gateway.log"
    path.write_bytes(data)
    with path.open("rb", buffering=0) as raw:
        for n in range(1, 60):
            found = parts_of(raw, n)
            ends = [part.end for part in found]
            assert [part.start for part in found] == [0, *ends[:-1]]
            assert ends[-1] is None
            assert all(end is None or data[end - 1 : end] == b"\n" for end in ends)


def _folder(tmp_path: Path, **files: bytes) -> Path:
    for name, data in files.items():
        (tmp_path / f"{name}.log").write_bytes(data)
    return tmp_path


_FILES = {f"log_{n}": lines(*_SOME[n:], *_FAILED[: n % 3]) for n in range(12)}


@pytest.mark.parametrize("n", [2, 3, 20])
@pytest.mark.parametrize("group_bytes", [1, 30_000, 1 << 30])
def test_many_small_files_are_the_same_files(tmp_path: Path, n: int, group_bytes: int) -> None:
    folder = _folder(tmp_path, **_FILES, empty=b"", blank=b"\n", half=lines(*_SOME)[:5000])

    found, _ = _in_groups(folder, n, group_bytes)

    _assert_alike(found, _in_order(folder))


def test_small_files_are_read_in_groups_and_others_in_order(tmp_path: Path) -> None:
    folder = _folder(tmp_path, **_FILES)
    (tmp_path / "log_5.log.gz").write_bytes(gzip.compress(lines(record(path="/packed"))))

    found, in_order = _in_groups(folder)

    assert in_order == ["log_5.log.gz"]
    _assert_alike(found, _in_order(folder))


def test_a_copy_in_a_group_is_not_read_again_and_a_longer_one_from_its_end_on(
    tmp_path: Path,
) -> None:
    folder = _folder(tmp_path, **_FILES, log_1_copy=_FILES["log_1"])
    (tmp_path / "log_0_grown.log").write_bytes(_FILES["log_0"] + lines(record(path="/later")))

    found, in_order = _in_groups(folder)

    assert set(in_order) >= {"log_0_grown.log", "log_1_copy.log"}
    assert found.lines.of_fate("copied") == len(_FILES["log_0"]) + len(_FILES["log_1"])
    _assert_alike(found, _in_order(folder))


def test_a_group_with_a_log_of_a_sidecar_is_read_in_order(tmp_path: Path) -> None:
    inbound = lines(record(upstream_cluster="inbound|8080||"), *_SOME)
    folder = _folder(tmp_path, **{**_FILES, "log_7": inbound})

    found, in_order = _in_groups(folder)

    assert sorted(in_order) == sorted(f"{name}.log" for name in _FILES)
    _assert_alike(found, _in_order(folder))


def test_what_is_open_at_the_end_of_a_file_is_not_of_the_next(tmp_path: Path) -> None:
    whole = printed(record(path="/printed"))
    folder = _folder(tmp_path, a=whole[:300], b=whole[300:], **_FILES)

    found, _ = _in_groups(folder)

    _assert_alike(found, _in_order(folder))


@pytest.mark.parametrize("is_new", [False, True], ids=["gone", "begun anew"])
@pytest.mark.parametrize("part_bytes", [1, 1 << 60], ids=["parts", "groups"])
def test_a_log_that_is_renamed_while_it_is_read_is_whole(
    tmp_path: Path, part_bytes: int, monkeypatch: pytest.MonkeyPatch, *, is_new: bool
) -> None:
    folder = _folder(tmp_path, **_FILES)
    sources = locate([str(folder)])
    expected = _in_order(folder)
    read = threads.read_side_by_side

    def renamed(jobs: Any, *more: Any) -> Any:
        found = read(jobs, *more)
        for source in {source.path for job in jobs for source in job}:
            Path(source).rename(f"{source}.1")
            if is_new:
                Path(source).write_bytes(b"begun anew\n")
        return found

    monkeypatch.setattr(side_by_side, "read_side_by_side", renamed)
    monkeypatch.setattr(side_by_side, "cores", lambda: 3)
    monkeypatch.setattr(side_by_side, "_LEAST_BYTES", 1)
    monkeypatch.setattr(side_by_side, "_PART_BYTES", part_bytes)

    _assert_alike(tally_sources(sources), expected)


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    folder = _folder(tmp_path, **_FILES)
    sources = locate([str(folder)])
    (folder / "log_3.log").unlink()

    with pytest.raises(SourceError, match=r"log_3\.log"):
        tally_sources(sources)


@pytest.mark.property
@given(data=logs(), n=st.integers(2, 6), block_bytes=st.sampled_from([200, 1000, 4000, 1 << 20]))
def test_any_log_in_parts_says_what_it_says_in_order(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, n: int, block_bytes: int
) -> None:
    log = tmp_path_factory.mktemp("parts") / "gateway.log"
    log.write_bytes(data)

    found = _in_parts(log, n, block_bytes=block_bytes)

    if found is not None:
        _assert_alike(found, _in_order(log))


@pytest.mark.property
@given(files=st.lists(logs(), min_size=2, max_size=5), group_bytes=st.sampled_from([1, 1 << 30]))
def test_any_logs_side_by_side_say_what_they_say_in_order(
    tmp_path_factory: pytest.TempPathFactory, files: list[bytes], group_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("groups")
    for n, data in enumerate(files):
        (folder / f"{n}.log").write_bytes(data)

    found, _ = _in_groups(folder, 2, group_bytes)

    _assert_alike(found, _in_order(folder))
