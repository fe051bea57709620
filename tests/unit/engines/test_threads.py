"""Files that are read in parts say what they say when they are read in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import Era, connection, in_era, line, lines, printed, record
from tests.envelopes import ENVELOPES, Who
from tests.strategies import blank_lines, damaged_lines, noise_lines, records

from envoylogs.engines import threads
from envoylogs.engines.threads import SideBySide
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
    from pathlib import Path

    from envoylogs.tally.tally import Tally

pytestmark = pytest.mark.usefixtures("compiled_decoder")


def _in_order(path: Path) -> Tally:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(threads, "_PART_BYTES", 1 << 60)
        return tally_sources(locate([str(path)]))


def _in_parts(
    path: Path, n: int = 3, hooks: Hooks | None = None, *, block_bytes: int = parts.BLOCK_BYTES
) -> Tally | None:
    """Return the tally of a file in so many parts; null if it must be read in order.

    A batch is of about one block, so small ones are many batches.
    """
    (source,) = locate([str(path)])
    plan = plan_of_tally(ReadPlan(), DEFAULT_SPEC)
    beside = SideBySide(plan, [(NOTHING_SELECTED, DEFAULT_SPEC)], hooks or Hooks(), threads=n)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(threads, "_PART_BYTES", 1)
        patched.setattr(threads, "COMPACT_RECORDS", 1)
        patched.setattr(parts, "BLOCK_BYTES", block_bytes)
        found = beside.tallies_of(source, KnownLogs())
    return None if found is None else found[0]


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
    monkeypatch.setattr(threads, "_PART_BYTES", 1)
    monkeypatch.setattr(threads, "_cores", lambda: 3)
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


@st.composite
def _logs(draw: st.DrawFn) -> bytes:
    found: list[bytes] = []
    for _ in range(draw(st.integers(3, 25))):
        kind = draw(st.integers(0, 9))
        one = draw(records)
        if kind == 0:
            found.append(draw(st.one_of(noise_lines, blank_lines, damaged_lines())))
        elif kind == 1:
            found += printed(one).split(b"\n")
        elif kind == 2:
            found += ENVELOPES[draw(st.sampled_from(sorted(ENVELOPES)))].wrap(line(one), Who())
        else:
            found.append(
                line(in_era(record(), draw(st.sampled_from(Era)))) if kind > 7 else line(one)
            )
    return b"\n".join(found) + draw(st.sampled_from([b"", b"\n"]))


@pytest.mark.property
@given(data=_logs(), n=st.integers(2, 6), block_bytes=st.sampled_from([200, 1000, 4000, 1 << 20]))
def test_any_log_in_parts_says_what_it_says_in_order(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, n: int, block_bytes: int
) -> None:
    log = tmp_path_factory.mktemp("parts") / "gateway.log"
    log.write_bytes(data)

    found = _in_parts(log, n, block_bytes=block_bytes)

    if found is not None:
        _assert_alike(found, _in_order(log))
