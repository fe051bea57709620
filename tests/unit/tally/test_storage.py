"""Saved tallies: nothing is lost, plain Polars reads them, and damage is an error in words."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from benchmarks import generator
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import (
    connection,
    failed,
    fewer_examples,
    rare_records,
    reset,
    served,
    source_of,
    tally_of,
    text_of,
    unrouted,
)
from tests.laws.test_merge_laws import cut_logs

from envoylogs import __version__
from envoylogs.errors import TallyError, TallyQuestionError
from envoylogs.keyed.batches import Batch
from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.pipeline import tally_sources
from envoylogs.reading.fates import LineFates
from envoylogs.sources.source import Source
from envoylogs.summary.summary import summarize
from envoylogs.tally.sealing import UNSEALED, write_sealed
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec
from envoylogs.tally.storage import TALLY_VERSION, is_saved_tally, load_tally, save_tally
from envoylogs.tally.tally import STATES, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parents[3]
_KEY = "envoylogs.tally"
_SPECS = (
    DEFAULT_SPEC,
    TallySpec(by=("method", "host", "start_time"), timeline_buckets=3, evidence_clients=2),
    TallySpec(by=("response_code",), selection="--host '*.example.com'", show_query=True),
    TallySpec(joint=("host", "start_time", "path_group"), max_joint_rows=90, turned_away=("path",)),
    TallySpec(by=("path",), selection="--where 'path LIKE ''/é%'''", line_examples=1),
)


def _saved(tally: Tally, folder: Path, name: str = "week.tally") -> Source:
    path = folder / name
    save_tally(tally, path)
    return Source(str(path), str(path))


def _again(tally: Tally) -> Tally:
    with TemporaryDirectory() as folder:
        return load_tally(_saved(tally, Path(folder)))


def _header(tally: Tally) -> dict[str, Any]:
    """Return what stands in the metadata of a file of this tally."""
    return {"version": TALLY_VERSION, "tool": "envoylogs 0", "spec": asdict(tally.spec)}


def _rows(source: Source) -> pl.DataFrame:
    assert source.path is not None
    return pl.read_parquet(source.path)


def _written(rows: pl.DataFrame, header: object, folder: Path) -> Source:
    """Return a file of these rows and this header, as another release may write it."""
    path = folder / "other.tally"
    text = header if isinstance(header, str) else json.dumps(header)
    whole = BytesIO()
    rows.write_parquet(whole, metadata={_KEY: text, **UNSEALED})
    write_sealed(whole.getvalue(), path)
    return Source("other.tally", str(path))


@cache
def _tally() -> Tally:
    """Return the tally of a log with everything in it, lines that are no records too."""
    data = b"".join(generator.lines(300, seed=3)) + text_of(rare_records()) + b"agent\n{oops}\n\0\n"
    return tally_sources(
        [source_of(data)],
        spec=TallySpec(by=("method", "client"), joint=("host",), turned_away=("path", "query")),
    )


@contextmanager
def _refused(*words: str) -> Iterator[None]:
    with pytest.raises(TallyError) as caught:
        yield
    assert [word for word in words if word not in str(caught.value)] == []
    assert "\n" not in str(caught.value)


# --- Nothing is lost ----------------------------------------------------------------------------


@pytest.mark.parametrize("spec", _SPECS, ids=lambda spec: spec.words)
def test_the_tally_of_nothing_comes_back(spec: TallySpec) -> None:
    assert _again(Tally.empty(spec)) == Tally.empty(spec)


def test_a_tally_of_every_kind_of_line_comes_back() -> None:
    found = _again(_tally())

    assert found == _tally()
    assert all(found.state(name).frame.schema == _tally().state(name).frame.schema
               for name in STATES)  # fmt: skip
    empty = [name for name in STATES if found.state(name).frame.is_empty()]
    assert empty == ["folded_names"]  # so few names are not folded


@pytest.mark.property
@fewer_examples(5)
@given(rows=st.data(), spec=st.sampled_from(_SPECS))
def test_any_tally_comes_back(rows: st.DataObject, spec: TallySpec) -> None:
    log = rows.draw(cut_logs())
    tally = Tally.of(log.whole, spec)

    assert _again(tally) == tally


@pytest.mark.property
@fewer_examples(5)
@given(rows=st.data(), spec=st.sampled_from(_SPECS))
def test_saved_parts_add_up_to_the_tally_of_the_whole_log(
    rows: st.DataObject, spec: TallySpec
) -> None:
    log = rows.draw(cut_logs())
    first, *others = (_again(Tally.of(part, spec)) for part in log.parts)

    assert first.merge(*others) == Tally.of(log.whole, spec)


def test_a_tally_has_the_summary_of_its_log() -> None:
    before, after = (summarize(tally, by=("client",)) for tally in (_tally(), _again(_tally())))

    assert before.overview == after.overview
    assert before.findings == after.findings
    assert before.table("groups").equals(after.table("groups"))
    assert before.table("by").equals(after.table("by"))


def test_the_same_tally_is_the_same_rows_whatever_the_order_of_the_log(tmp_path: Path) -> None:
    records = list(rare_records())
    shuffled = Random(4).sample(records, len(records))
    one, two = (_saved(_unplaced(log), tmp_path, f"{len(name)}") for name, log in
                (("a", records), ("ab", shuffled)))  # fmt: skip

    assert _rows(one).equals(_rows(two))


def _unplaced(records: list[dict[str, Any]]) -> Tally:
    """Return a tally without the examples, whose line numbers depend on the order."""
    tally = tally_of(records)
    empty = Tally.empty()
    return Tally.made(
        tally.spec,
        lambda name, _: (empty if name in {"evidence", "examples"} else tally).state(name),
    )


def test_text_of_any_kind_and_the_largest_numbers_come_back() -> None:
    huge = 2**62
    log = [
        reset(0, authority=text, path=text, request_id=text, bytes_sent=huge)
        for text in ("\x00", "\x1b[31m", "\u202e\U0001f600é", "a" * 100_000, "'\"\\,\n\r\t")
    ]
    tally = tally_of(log, spec=TallySpec(by=("path", "request_id")))

    assert _again(tally) == tally


# --- The file as others see it ------------------------------------------------------------------


def test_the_example_of_the_documentation_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (_ROOT / "docs" / "tally.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    log = [served(authority="a.example.com"), served(authority="b.example.com"),
           unrouted(authority="b.example.com"), served(authority=None)]  # fmt: skip
    _saved(tally_of(log), tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}

    exec(found[1], names)  # noqa: S102  # what users are told to run

    counted = dict(names["by_host"].iter_rows())
    assert counted == {"a.example.com": 1, "b.example.com": 2, None: 1}


def test_a_row_says_which_state_it_is_of_and_has_the_columns_of_that_state(tmp_path: Path) -> None:
    tally = _tally()
    rows = _rows(_saved(tally, tmp_path))

    assert set(rows.schema.dtypes()) == {pl.String(), pl.Int64()}
    assert sorted(rows["state"].unique()) == sorted(set(STATES) - {"folded_names"})
    for name in STATES:
        of_state = rows.filter(state=name)
        own = tally.state(name).frame
        assert of_state.select(own.columns).equals(tally.state(name).canonical()), name
        others = set(rows.columns) - {"state", *own.columns}
        assert of_state.select(others).null_count().sum_horizontal().item() == (
            of_state.height * len(others)
        )


def test_the_documentation_has_a_row_for_every_state_with_its_columns() -> None:
    text = (_ROOT / "docs" / "tally.md").read_text(encoding="utf-8")
    rows = [re.findall(r"`(\w+)`", line) for line in text.splitlines() if line.startswith("| `")]
    states = {name for row in rows for name in row if name in STATES}

    assert states == set(STATES)
    for name in ("traffic", "latency_by_group"):
        (described,) = (row for row in rows if row[0] == name)
        assert described == [name, *STATES[name].columns(DEFAULT_SPEC)]


def test_the_metadata_has_version_tool_and_specification(tmp_path: Path) -> None:
    spec = TallySpec(by=("method", "path"), selection="--code 404", show_query=True)
    source = _saved(Tally.empty(spec), tmp_path)
    assert source.path is not None

    header = json.loads(pl.read_parquet_metadata(source.path)[_KEY])

    assert header["version"] == TALLY_VERSION == 3
    assert header["tool"] == f"envoylogs {__version__}"
    assert header["spec"]["by"] == ["method", "path"]
    assert header["spec"]["selection"] == "--code 404"
    assert header["spec"]["show_query"] is True


def test_a_tally_is_small_beside_its_log(tmp_path: Path) -> None:
    data = b"".join(generator.lines(5000, hosts=5))

    source = _saved(tally_sources([source_of(data)]), tmp_path)

    assert source.size is not None
    assert source.size < len(data) / 20


@pytest.mark.parametrize("data", [b"", b"PAR", b'{"response_code": 200}\n', b"\nPAR1"])
def test_logs_and_empty_files_are_no_tallies(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "gateway.log"
    path.write_bytes(data)

    assert not is_saved_tally(Source("gateway.log", str(path)))


def test_a_tally_is_told_by_its_bytes_and_not_by_its_name(tmp_path: Path) -> None:
    assert is_saved_tally(_saved(Tally.empty(), tmp_path, "gateway.log"))
    assert not is_saved_tally(Source("<stdin>", None))
    assert not is_saved_tally(source_of(b"PAR1"))


# --- Other versions -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", [0, 1, 2, 17])
def test_another_version_is_refused_with_both_versions(version: int, tmp_path: Path) -> None:
    rows = _rows(_saved(_tally(), tmp_path))
    header = _header(_tally()) | {"version": version, "tool": "envoylogs 9.8.7"}

    with _refused("other.tally", f"version {version}", "9.8.7", __version__, "version 3"):
        load_tally(_written(rows, header, tmp_path))


def test_another_version_is_refused_however_its_header_looks(tmp_path: Path) -> None:
    rows = _rows(_saved(_tally(), tmp_path))

    with _refused("other.tally", "version 17"):
        load_tally(_written(rows, {"version": 17}, tmp_path))


def test_new_columns_and_new_states_are_passed_over(tmp_path: Path) -> None:
    rows = _rows(_saved(_tally(), tmp_path))
    newer = pl.concat(
        [
            rows.with_columns(pl.lit("blue").alias("color")),
            pl.DataFrame({"state": ["colors"], "color": ["red"], "requests": [7]}),
        ],
        how="diagonal",
    )

    assert load_tally(_written(newer, _header(_tally()), tmp_path)) == _tally()


def test_missing_columns_of_an_older_file_are_null(tmp_path: Path) -> None:
    rows = _rows(_saved(_tally(), tmp_path)).drop("response_flags", "upstream_host", "last")

    found = load_tally(_written(rows, _header(_tally()), tmp_path))

    traffic = found.traffic.frame
    assert traffic.schema == _tally().traffic.frame.schema
    gone = ["response_flags", "upstream_host", "last"]
    assert traffic[gone].null_count().rows() == [(traffic.height,) * 3]
    assert traffic.drop(gone).equals(_tally().traffic.canonical().drop(gone))


def test_a_file_without_any_one_column_has_a_summary(tmp_path: Path) -> None:
    tally = tally_of([served(0), unrouted(1), reset(2), connection(3)])
    rows = _rows(_saved(tally, tmp_path))
    for name in rows.columns[1::4]:
        found = load_tally(_written(rows.drop(name), _header(tally), tmp_path))
        assert summarize(found).complete, name


def test_a_failing_service_of_an_older_file_has_no_path_that_fails(tmp_path: Path) -> None:
    failing = [failed(n, 500, "-", "via_upstream") for n in range(20)]
    tally = tally_of([unrouted(0, path="*"), *failing, *map(served, range(20, 40))])

    rows = _rows(_saved(tally, tmp_path)).drop("failed")
    found = summarize(load_tally(_written(rows, _header(tally), tmp_path))).findings

    assert found[0].title == "shop.shop:80 answers with 500"


def test_missing_states_of_an_older_file_are_empty(tmp_path: Path) -> None:
    rows = _rows(_saved(_tally(), tmp_path)).filter(pl.col("state") != "known_names")

    found = load_tally(_written(rows, _header(_tally()), tmp_path))

    assert found.known_names.frame.is_empty()
    assert found.traffic == _tally().traffic


def test_a_specification_that_lacks_a_limit_has_its_default(tmp_path: Path) -> None:
    rows = _rows(_saved(tally_of([served()]), tmp_path))

    found = load_tally(_written(rows, _header(_tally()) | {"spec": {"by": []}}, tmp_path))

    assert found.spec == DEFAULT_SPEC


# --- Files that are no tally, or a broken one ---------------------------------------------------


def test_a_parquet_file_that_is_no_tally_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sales.parquet"
    pl.DataFrame({"state": ["traffic"], "requests": [3]}).write_parquet(path)

    with _refused("sales.parquet", "no saved tally"):
        load_tally(Source("sales.parquet", str(path)))


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.tally"
    for data in (b"PAR1", b"PAR1" * 100, b"PAR1" + bytes(range(256)) * 20 + b"PAR1"):
        path.write_bytes(data)
        with _refused("broken.tally", "damaged"):
            load_tally(Source("broken.tally", str(path)))


def test_a_file_that_was_cut_anywhere_is_refused(tmp_path: Path) -> None:
    source = _saved(_tally(), tmp_path)
    whole = Path(str(source.path)).read_bytes()
    path = tmp_path / "cut.tally"
    for end in (5, 12, *range(100, len(whole), len(whole) // 100), len(whole) - 4, len(whole) - 1):
        path.write_bytes(whole[:end])
        with _refused("cut.tally", "damaged"):
            load_tally(Source("cut.tally", str(path)))


def test_a_flipped_bit_is_refused_with_what_to_do(tmp_path: Path) -> None:
    source = _saved(tally_of([served(), reset()]), tmp_path)
    whole = Path(str(source.path)).read_bytes()
    path, chance = tmp_path / "flipped.tally", Random(2)
    for _ in range(300):
        flipped = bytearray(whole)
        flipped[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        with _refused("flipped.tally", "damaged tally", "Read the logs again"):
            load_tally(Source("flipped.tally", str(path)))


def test_a_tally_that_another_program_wrote_anew_is_refused(tmp_path: Path) -> None:
    source = _saved(_tally(), tmp_path)
    path = tmp_path / "other.tally"
    header = pl.read_parquet_metadata(str(source.path))[_KEY]
    _rows(source).with_columns(pl.col("requests") + 1).write_parquet(path, metadata={_KEY: header})

    with _refused("other.tally", "has no checksum"):
        load_tally(Source("other.tally", str(path)))


def _without_state(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.drop("state")


def _with_text_as_counts(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("requests").cast(pl.String) + " or so")


@pytest.mark.parametrize("change", [_without_state, _with_text_as_counts])
def test_a_tally_whose_table_was_changed_is_refused(change: Any, tmp_path: Path) -> None:
    rows = _rows(_saved(_tally(), tmp_path))

    with _refused("other.tally"):
        load_tally(_written(change(rows), _header(_tally()), tmp_path))


@pytest.mark.parametrize(
    "header",
    [
        "{",
        "[]",
        "null",
        "{}",
        {"version": 1},
        {"version": 1, "tool": "envoylogs 0", "spec": None},
        {"version": 1, "tool": "envoylogs 0", "spec": {"by": [], "color": "red"}},
        {"version": 1, "tool": "envoylogs 0", "spec": {"by": ["color"]}},
    ],
    ids=str,
)
def test_a_header_that_makes_no_sense_is_refused(header: object, tmp_path: Path) -> None:
    rows = _rows(_saved(_tally(), tmp_path))

    with _refused("other.tally"):
        load_tally(_written(rows, header, tmp_path))


def test_a_pipe_is_no_file_to_load_from() -> None:
    with _refused("<stdin>", "not from a pipe"):
        load_tally(Source("<stdin>", None))


def test_a_tally_that_is_gone_is_an_error_in_words(tmp_path: Path) -> None:
    with _refused("gone.tally"):
        load_tally(Source("gone.tally", str(tmp_path / "gone.tally")))


# --- Tallies and logs together ------------------------------------------------------------------


def _log(seed: int) -> bytes:
    return b"".join(generator.lines(200, seed=seed, hosts=4)) + b"agent text\n{oops}\n"


def test_tallies_and_logs_together_are_as_all_logs_together(tmp_path: Path) -> None:
    logs = {name: _log(seed) for seed, name in enumerate(("a.log", "b.log", "c.log"))}
    whole = tally_sources([source_of(data, name) for name, data in logs.items()])
    saved = {
        name: _saved(tally_sources([source_of(data, name)]), tmp_path, f"{name}.tally")
        for name, data in logs.items()
    }

    assert tally_sources(saved.values()) == whole
    mixed = [saved["c.log"], source_of(logs["a.log"], "a.log"), saved["b.log"]]
    assert tally_sources(mixed) == whole
    assert tally_sources([saved["a.log"]]) == tally_sources([source_of(logs["a.log"], "a.log")])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (DEFAULT_SPEC, TallySpec(by=("method",))),
        (TallySpec(by=("method", "path")), TallySpec(by=("path", "method"))),
        (DEFAULT_SPEC, TallySpec(show_query=True)),
        (TallySpec(selection="--code 404"), TallySpec(selection="--code 5xx")),
    ],
    ids=lambda spec: spec.words,
)
def test_tallies_that_remember_other_things_are_refused_with_both(
    ours: TallySpec, theirs: TallySpec, tmp_path: Path
) -> None:
    one = _saved(Tally.empty(ours), tmp_path, "one.tally")
    two = _saved(Tally.empty(theirs), tmp_path, "two.tally")

    with _refused(ours.words, theirs.words):
        load_tally(one).merge(load_tally(two))
    with _refused(ours.words, theirs.words):
        tally_sources([one, two], spec=ours)


def test_a_selection_from_a_tally_is_refused_with_what_it_has(tmp_path: Path) -> None:
    everything = _saved(tally_of([served()]), tmp_path)
    selection = Selection.of({"code": ["404"]})

    with pytest.raises(TallyQuestionError) as caught:
        tally_sources([everything], plan=ReadPlan(selection=selection))

    for word in ("week.tally", "--code 404", "all records", "authority", "response_code"):
        assert word in str(caught.value)


def test_the_selection_that_a_tally_was_made_with_may_be_asked_for_again(tmp_path: Path) -> None:
    log = [served(0), unrouted(1), unrouted(2)]
    selection = Selection.of({"code": ["404"]})
    tally = tally_sources([source_of(text_of(log))], plan=ReadPlan(selection=selection))
    saved = _saved(tally, tmp_path)

    assert tally_sources([saved], plan=ReadPlan(selection=selection)) == tally
    with pytest.raises(TallyQuestionError, match="--code 404"):
        tally_sources([saved], plan=ReadPlan(selection=Selection.of({"code": ["200"]})))


def test_a_log_is_not_added_whole_to_a_tally_of_selected_records(tmp_path: Path) -> None:
    selection = Selection.of({"code": ["404"]})
    tally = tally_sources(
        [source_of(text_of([served(), unrouted()]))], plan=ReadPlan(selection=selection)
    )
    saved = _saved(tally, tmp_path)
    other = source_of(text_of([served(5), unrouted(6)]), "other.log")

    try:
        found = tally_sources([saved, other], spec=tally.spec)
    except (TallyError, TallyQuestionError):
        return

    assert summarize(found).overview.requests == 2


# --- Values of queries --------------------------------------------------------------------------

_PATHS = ("/a?token=SECRET", "/a?x=1&token=SECRET", "/a#token=SECRET", "/a?b#token=SECRET&x=SECRET",
          "/a?token==SECRET", "/a?token=1;SECRET", "/a?x=?y=SECRET", "/a?token=SE%0ASECRET",
          "/a?token=\nSECRET", "/é?token=\U0001f600SECRET")  # fmt: skip


def _texts(tally: Tally, folder: Path) -> str:
    rows = _rows(_saved(tally, folder))
    text = [rows[name].drop_nulls() for name, dtype in rows.schema.items() if dtype == pl.String]
    return "\n".join(value for column in text for value in column)


@pytest.mark.parametrize("path", _PATHS)
@pytest.mark.parametrize("by", [(), ("path", "path_group")])
def test_values_of_queries_are_not_in_a_file(
    path: str, by: tuple[str, ...], tmp_path: Path
) -> None:
    log = [make(0, path=path) for make in (served, unrouted, reset)]

    assert "SECRET" not in _texts(tally_of(log, spec=TallySpec(by=by)), tmp_path)


@pytest.mark.parametrize("path", _PATHS)
def test_values_of_queries_are_in_a_file_if_that_was_asked_for(path: str, tmp_path: Path) -> None:
    log = [make(0, path=path) for make in (served, unrouted, reset)]
    spec = TallySpec(by=("path",), show_query=True)

    assert _texts(tally_of(log, spec=spec), tmp_path).count("SECRET") >= 3


_MALFORMED = (
    '{"response_code": 200, "path": "/a?token=SECRET", oops}',
    '{"response_code": 200, "path": "/a?x=1&token=SECRET" "method": "GET"',
    '[2026-01-02T03:04:05.678Z] "GET /a?token=SECRET HTTP/1.1" 200 - "-" 0 1 2 - "-" "-" "-"',
    "pod/x /a?token=SECRET {response_code",
    '{"log": "{\\"response_code\\":200,\\"path\\":\\"/a?token=SECRET\\"}"}',
    "GET /a?token=SECRET",
    "/a?x=1;token=SECRET",
    "/a?token='SECRET'",
    '{"response_code": 200, "path": "/a?token="SECRET"", "method": "GE',
    "/a?token=<SECRET>",
)


@pytest.mark.parametrize("line", _MALFORMED)
def test_values_of_queries_are_not_in_examples_of_lines_that_are_no_records(
    line: str, tmp_path: Path
) -> None:
    tally = tally_sources([source_of(text_of([served()]) + line.encode() + b"\n")])

    assert not tally.examples.frame.is_empty()
    assert "SECRET" not in _texts(tally, tmp_path)


def test_examples_of_lines_that_are_no_records_are_whole_if_that_was_asked_for(
    tmp_path: Path,
) -> None:
    data = text_of([served()]) + _MALFORMED[0].encode() + b"\n"

    tally = tally_sources([source_of(data)], spec=TallySpec(show_query=True))

    assert "SECRET" in _texts(tally, tmp_path)


def test_a_batch_without_records_can_be_saved() -> None:
    fates = LineFates()
    fates.malformed("a.log", 1, "binary", b"\0")
    tally = Tally.of(Batch(None, fates))

    assert _again(tally) == tally
    assert tally.lines.frame.height > 0
