"""Whatever the library is given, it answers or says in words of its own what is wrong."""

from __future__ import annotations

import multiprocessing
import pickle
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.handmade import served, text_of, unrouted

import envoylogs
from envoylogs.arguments import ReadOptions
from envoylogs.errors import ArgumentError, ForkError, OutputError

_SAMPLE = str(Path(__file__).parents[2] / "sample_logs" / "canary")

_ODD: dict[str, Any] = {
    "nothing": None, "a float": 1.5, "an object": object(), "bytes": b"x",
    "a day": date(2026, 1, 2),
    "a list of nothing": [None], "a mapping": {"a": 1}, "a list of bytes": [b"x"], "no text": "",
    "no list": [], "a flag": True, "a time without a zone": datetime(2026, 1, 2),  # noqa: DTZ001
    "a surrogate": "\ud800", "a zero byte": "\0", "a huge number": 10**400, "a class": int,
    "a mapping of nothing": {"path": None}, "a nested list": [["a"]], "a set": {"a", "b"},
}  # fmt: skip
_OPTIONS = sorted(ReadOptions.__annotations__)


@pytest.mark.parametrize("option", _OPTIONS)
@pytest.mark.parametrize("odd", [*_ODD, "a generator"])
def test_an_odd_option_is_taken_or_refused_in_words(option: str, odd: str) -> None:
    value = (letter for letter in "ab") if odd == "a generator" else _ODD[odd]
    options: Any = {option: value}

    with suppress(envoylogs.EnvoylogsError):
        assert envoylogs.scan(_SAMPLE, **options).head(1).collect().height <= 1


@pytest.mark.parametrize("option", _OPTIONS)
def test_nothing_is_no_value_of_an_option(option: str) -> None:
    options: Any = {option: None}

    with pytest.raises(ArgumentError, match=option):
        envoylogs.analyze(_SAMPLE, **options)


@pytest.mark.parametrize("option", ["by", "every", "timezone"])
@pytest.mark.parametrize("odd", [*_ODD, "a generator"])
def test_an_odd_question_is_answered_or_refused_in_words(option: str, odd: str) -> None:
    value = (letter for letter in "ab") if odd == "a generator" else _ODD[odd]
    question: Any = {option: value}

    with suppress(envoylogs.EnvoylogsError):
        assert envoylogs.analyze(_SAMPLE, **question).overview.requests > 0


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"by": 5}, "by: 5 is no name of a column"),
        ({"by": [None]}, "is no name of a column"),
        ({"by": "weather"}, "'weather' is not a known column to count by"),
        ({"every": 900}, 'every: 900 is no length of time: give "15m" or a timedelta'),
        ({"every": "often"}, "every 'often' is no length of time"),
        ({"every": "0s"}, "every 0s: give how long"),
        ({"every": timedelta(milliseconds=1500)}, "in whole seconds"),
        ({"every": timedelta(days=-1)}, "in whole seconds"),
        ({"timezone": UTC}, "is no name of a time zone"),
        ({"timezone": "Europe/Berlim"}, "Did you mean Europe/Berlin"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_words(question: Any, words: str) -> None:
    with pytest.raises(envoylogs.EnvoylogsError, match=re.escape(words)):
        envoylogs.analyze(_SAMPLE, **question)


@pytest.mark.parametrize(
    "odd", [None, 5, 1.5, b"x", object(), [b"x"], [None], [5], {}, [], (), int]
)
@pytest.mark.parametrize("call", [envoylogs.scan, envoylogs.read, envoylogs.analyze])
def test_odd_sources_are_refused_in_words(call: Any, odd: Any) -> None:
    with pytest.raises(envoylogs.EnvoylogsError):
        call(odd)


def test_a_frame_of_another_library_is_told_from_paths() -> None:
    class Frame:
        """Looks like one of pandas, which goes through its columns."""

        columns = ("host",)

        def __iter__(self) -> Any:
            return iter(self.columns)

    with pytest.raises(ArgumentError, match=r"pl\.from_pandas"):
        envoylogs.analyze(Frame())  # type: ignore[call-overload, arg-type, unused-ignore]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (pl.lit("x").alias("response_code"), "'response_code' of the frame is of type String"),
        (pl.lit(1.5).alias("duration_ms"), "'duration_ms' of the frame is of type Float64"),
        (pl.lit(7).alias("path"), "'path' of the frame is of type Int"),
        (pl.lit("x").alias("start_time"), "'start_time' of the frame is of type String"),
        (pl.col("start_time").dt.replace_time_zone(None), "'start_time' of the frame is of type"),
        (pl.lit("fine").alias("outcome"), "'outcome' of the frame has the value 'fine'"),
        (pl.lit("serve").alias("outcome"), "Did you mean served"),
        (pl.lit(None, pl.String).alias("outcome"), "has the value None"),
        (pl.lit("call").alias("kind"), "'kind' of the frame has the value 'call'"),
        (pl.lit("router").alias("role"), "'role' of the frame has the value 'router'"),
        (pl.lit("router").alias("role"), "It may have gateway, egress, sidecar, waypoint"),
        (pl.lit("broke").alias("failure"), "'failure' of the frame has the value 'broke'"),
        (pl.lit("route_mising").alias("failure"), "Did you mean .*route_missing.*and null"),
        (pl.lit(1000).alias("response_code"), "'response_code' of the frame has the value 1000"),
        (pl.lit(-1).alias("bytes_sent"), "'bytes_sent' .* whole numbers from 0 to"),
    ],
)
def test_a_frame_with_other_types_or_values_is_refused(change: pl.Expr, words: str) -> None:
    frame = envoylogs.read(_SAMPLE).with_columns(change)

    with pytest.raises(ArgumentError, match=words):
        envoylogs.analyze(frame)


@pytest.mark.parametrize(
    "change",
    [
        pl.col("response_code").cast(pl.Int16),
        pl.col("host", "outcome", "method").cast(pl.Categorical()),
        pl.col("start_time").dt.convert_time_zone("Europe/Berlin"),
        pl.lit(None).alias("user_agent"),
    ],
)
def test_a_frame_with_types_that_mean_the_same_is_taken(change: pl.Expr) -> None:
    frame = envoylogs.read(_SAMPLE)

    found, expected = (envoylogs.analyze(f) for f in (frame.with_columns(change), frame))

    assert found.overview == expected.overview


@pytest.mark.parametrize(
    "change",
    [
        pl.lit(None, pl.String).alias("failure"),
        pl.lit("overflow").alias("outcome"),
        pl.lit(600).alias("response_code"),
        pl.lit(404).alias("response_code"),
        pl.lit("connect_timeout").alias("failure"),
    ],
)
def test_a_frame_whose_columns_say_different_things_has_findings(change: pl.Expr) -> None:
    found = envoylogs.analyze(envoylogs.read(_SAMPLE).with_columns(change))

    assert found.overview.requests
    assert found.findings


@pytest.mark.parametrize("odd", [None, 5, b"x", "", "\0", ["a"], int])
@pytest.mark.parametrize("write", ["save_tally", "report"])
def test_an_odd_path_to_write_to_is_refused_in_words(write: str, odd: Any) -> None:
    with pytest.raises(ArgumentError, match="is no path"):
        getattr(envoylogs.analyze(_SAMPLE), write)(odd)


@pytest.mark.parametrize("write", ["save_tally", "report"])
def test_what_cannot_be_written_is_an_error_of_the_library(write: str, tmp_path: Path) -> None:
    found = envoylogs.analyze(_SAMPLE)
    for path in (tmp_path, tmp_path / "nowhere" / "file"):
        with pytest.raises(OutputError, match=r"can't be written"):
            getattr(found, write)(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", ["save_tally", "report"])
def test_a_file_is_replaced_when_the_new_one_is_whole(
    write: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, path = envoylogs.analyze(_SAMPLE), tmp_path / "file"
    path.write_bytes(b"before")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("envoylogs.outputs._give_access", fail)
        with pytest.raises(OutputError, match="No space left"):
            getattr(found, write)(path)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"before"]

    getattr(found, write)(path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.stat().st_size > 1000


@pytest.mark.parametrize(
    "condition", [pl.lit(None, pl.Boolean), pl.lit(value=False), pl.lit(value=True)], ids=str
)
def test_a_condition_that_no_column_is_in_holds_for_all_records_or_none(
    condition: pl.Expr, tmp_path: Path
) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(text_of([served()]) * 70_000)
    frame = envoylogs.scan(log)

    found = frame.filter(condition).select(pl.len()).collect().item()

    assert found == pl.LazyFrame({"a": [1] * 70_000}).filter(condition).collect().height


def test_the_table_of_findings_has_its_columns_without_a_finding(tmp_path: Path) -> None:
    quiet, loud = tmp_path / "quiet.log", tmp_path / "loud.log"
    quiet.write_bytes(text_of([served()]))
    loud.write_bytes(text_of([*map(served, range(20)), *map(unrouted, range(20, 60))]))

    without, some = (envoylogs.analyze(log).table("findings") for log in (quiet, loud))

    assert without.height == 0
    assert some.height > 0
    assert without.schema == some.schema


def _rows_of(frame: pl.LazyFrame) -> list[tuple[Any, ...]]:
    return frame.select("path", "host").collect().rows()


@pytest.mark.parametrize("anonymize", [False, True])
def test_a_lazy_frame_is_read_by_another_process(anonymize: bool, tmp_path: Path) -> None:  # noqa: FBT001
    log = tmp_path / "gateway.log"
    log.write_bytes(text_of([served(path="/cart"), unrouted(path="/x")]))
    frame = envoylogs.scan(log, anonymize=anonymize)

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(_rows_of, frame).result()

    assert found == _rows_of(frame) == _rows_of(pickle.loads(pickle.dumps(frame)))  # noqa: S301


_FORKS = """
import os, signal, sys
import envoylogs
before = envoylogs.analyze(sys.argv[1]) if sys.argv[2] == "after" else None
if before is not None:
    before.findings
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
signal.alarm(60)
def said(call):
    try:
        return str(call())
    except envoylogs.EnvoylogsError as error:
        return f"{type(error).__name__} {error}"
print(said(lambda: envoylogs.analyze(sys.argv[1]).overview.requests > 0))
if before is not None:
    for call in (
        lambda: before.overview, lambda: before.findings, lambda: before.table("outcome"),
        lambda: before.save_tally("x"), lambda: before.report("x"), before.timeline_figure,
        lambda: before.compare(before), before._repr_html_, lambda: repr(before),
    ):
        assert said(call).startswith("ForkError"), call
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a system that forks")
@pytest.mark.parametrize(("when", "said"), [("before", "True\n"), ("after", "ForkError this")])
def test_a_fork_after_the_first_call_is_refused_and_does_not_hang(when: str, said: str) -> None:
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FORKS, _SAMPLE, when],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(said)
    assert ("spawn" in found.stdout) == (when == "after")
    assert issubclass(ForkError, envoylogs.EnvoylogsError)


def test_a_list_of_no_values_does_not_mean_all() -> None:
    with pytest.raises(ArgumentError, match="host"):
        envoylogs.scan(_SAMPLE, host=[])
    with pytest.raises(ArgumentError, match="unknown_keys"):
        envoylogs.scan(_SAMPLE, unknown_keys=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [None, [], 5, {}])
def test_odd_names_of_tables_are_refused_in_words(name: Any) -> None:
    found = envoylogs.analyze(_SAMPLE)

    with pytest.raises(envoylogs.EnvoylogsError, match="table"):
        found.table(name)
    with pytest.raises(envoylogs.EnvoylogsError, match="table"):
        found.compare(found, by=name)


@pytest.mark.parametrize("name", [[], 5, {}, b"x"])
def test_odd_names_of_splits_are_refused_in_words(name: Any) -> None:
    found = envoylogs.analyze(_SAMPLE)

    for argument in ("authority", "route_name"):
        with pytest.raises(ArgumentError, match=argument):
            found.split_figure(**{argument: name})


def test_the_rows_of_a_product_are_counted() -> None:
    frame = envoylogs.scan(_SAMPLE)

    assert frame.join(frame, how="cross").select(pl.len()).collect().item() == 280**2
    assert frame.select([]).collect().width == 0
