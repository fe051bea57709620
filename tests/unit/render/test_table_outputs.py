"""One table as CSV, JSON lines, Markdown and text: the rows of the JSON, and text stays text."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from benchmarks import generator
from markdown_it import MarkdownIt
from tests.handmade import (
    CLUSTER,
    HOSTILE_TEXTS,
    Record,
    connection,
    failed_connection,
    rare_records,
    refused_connection,
    reset,
    served,
    source_of,
    text_of,
    unrouted,
)

from envoylogs.errors import UnknownKeyError
from envoylogs.frame_files import write_frame
from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.pipeline import tally_sources
from envoylogs.render.csv_table import write_csv, write_rows
from envoylogs.render.formatting import count, percent, printable
from envoylogs.render.markdown import write_markdown
from envoylogs.render.queried import OF_ALL_ROWS
from envoylogs.render.records import write_json, write_ndjson
from envoylogs.render.terminal.screen import write_text
from envoylogs.render.words import findings_shown
from envoylogs.summary.breakdown import COLUMNS
from envoylogs.summary.summary import Summary, summarize
from envoylogs.summary.tables import (
    ASKED,
    ASKED_CONNECTIONS,
    CONNECTIONS,
    JOINT,
    SPLITS_OVER_TIME,
    TABLE_NAMES,
    known_table,
)
from envoylogs.tally.spec import TallySpec
from envoylogs.tally.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from markdown_it.token import Token

Row = dict[str, Any]

_BY = ("method", "path_group")
_JOINT = ("method", "route_name", "path_group")
_ALL = (*TABLE_NAMES, ASKED, ASKED_CONNECTIONS, JOINT)
_COUNTED = ("groups", *COLUMNS, ASKED)
"""Tables of requests by some columns."""

_OF_REQUESTS = ("authority", "path", "method", "route_name")

_MORE_HOSTILE = (
    "a\rb",
    "\r=1+1",
    "\n=1+1",
    "+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "'=1",
    '"',
    ",",
    ";",
    "a|b",
    r"a\|b",
    r"a\\|b",
    "|",
    "\\",
    "`",
    "``a`b",
    "` |",
    "*a* _b_ ~~c~~",
    "# a",
    "1. a",
    "---",
    "> a",
    "![a](b)",
    "[a](https://x.example.com)",
    "<b>a</b>",
    "<!-- a",
    "&lt;b&gt;",
    "@ops",
    "ops@example.com",
    "https://x.example.com/",
    "www.example.com",
    "\u2028\u2029\x9b\x85",
    "\ufeff\u200b",
    "=cmd|' /C calc'!A0",
    "[bold]a[/bold]",
    ":smile:",
    "{{ a }}",
    "${jndi:ldap://x.example.com}",
    "%s%n",
)
"""What spreadsheets, terminals, browsers and chats would act on."""  # fmt: skip


@cache
def _summary(name: str) -> Summary:
    spec = TallySpec(by=_BY, joint=_JOINT)
    if name == "empty":
        return summarize(Tally.empty(spec), by=_BY)
    data = b"".join(generator.lines(1500, seed=5, hosts=30)) + text_of(_usual_connections())
    if name == "hostile":
        data = text_of((*rare_records(), *_hostile_records()))
    bad = [b"agent \x1b[31m |`<b>\n", b'{"response_code": 1, "x": "=1+1\x1b[31m|', b"\n\x00\x07\n"]
    tally = tally_sources([source_of(data + b"".join(bad))], spec=spec)
    return summarize(tally, by=_BY)


def _usual_connections() -> Iterator[Record]:
    """Yield connections that were passed on, that failed and that were refused."""
    for n in range(9):
        yield connection(n, upstream_host=f"192.0.2.{n}:5432")
    for n in range(9, 14):
        yield failed_connection(n, upstream_host=f"192.0.2.{n % 2}:5432")
    for n in range(3):
        yield refused_connection(n, requested_server_name=f"a{n}.example.org")


def _hostile_records() -> Iterator[Record]:
    """Yield records with hostile text in everything that a table shows, enough for findings."""
    for text in (*HOSTILE_TEXTS, *_MORE_HOSTILE):
        everywhere = dict.fromkeys(
            ("authority", "path", "method", "route_name", "upstream_host", "request_id",
             "response_flags", "response_code_details", "downstream_local_address"), text,
        ) | {"upstream_cluster": f"outbound|80|{text}|{text}"}  # fmt: skip
        yield served(0, **everywhere)
        yield unrouted(1, **everywhere)
        yield failed_connection(2, **everywhere | dict.fromkeys(_OF_REQUESTS),
                                requested_server_name=text)  # fmt: skip
        yield refused_connection(3, requested_server_name=text)
        yield from (served(n, authority=text) for n in range(20))
        yield from (unrouted(n, authority=text) for n in range(30, 60))


def _printed(write: Callable[..., None], summary: Summary, *given: Any, **more: Any) -> str:
    out = io.StringIO(newline="")
    write(summary, out, *given, **more)
    return out.getvalue()


def _rows(name: str, table: str) -> list[Row]:
    """Return the rows of a table as the JSON has them; of splits one for each part."""
    return list(_rows_by_table(name)[table])


@cache
def _rows_by_table(name: str) -> dict[str, Any]:
    document = json.loads(_printed(write_json, _summary(name)))
    ledger = document["overview"]["not_found_ledger"]
    return {
        **document,
        **document["by"],
        **document["accounts"],
        ASKED: document["by"][",".join(_BY)],
        ASKED_CONNECTIONS: document["connections"]["by"][",".join(_BY)],
        CONNECTIONS: document["connections"]["groups"],
        "connection_failures": document["connections"]["failures"],
        # The only tables that are not in the JSON; splits have their buckets there.
        **{
            table: list(map(json.loads, _printed(write_ndjson, _summary(name), table).splitlines()))
            for table in (JOINT, SPLITS_OVER_TIME)
        },
        "timeline": document["timeline"]["buckets"],
        "not_found_ledger": [{"kind": k, "requests": n} for k, n in ledger.items() if k != "all"],
        "splits": [_part(split, part) for split in document["splits"] for part in split["parts"]],
    }


def _part(split: Row, part: Row) -> Row:
    whole = {name: value for name, value in split.items() if name not in {"parts", "buckets"}}
    return {**whole, "group_requests": split["requests"], **part}


def _flat(row: Row) -> Row:
    """Return a row with a column for each part of a nested value."""
    flat: Row = {}
    for name, value in row.items():
        parts = value.items() if isinstance(value, dict) else [(None, value)]
        flat |= {name if part is None else f"{name}_{part}": inner for part, inner in parts}
    return flat


each_table = pytest.mark.parametrize("table", _ALL)
each_log = pytest.mark.parametrize("name", ["usual", "hostile"])


def test_the_usual_log_has_several_rows_in_every_table() -> None:
    # Connections have no method and no path.
    assert [t for t in _ALL if len(_rows("usual", t)) < 2] == ["sources", ASKED_CONNECTIONS]
    assert [t for t in _ALL if not _rows("hostile", t)] == []


def test_an_unknown_table_is_refused_with_the_nearest() -> None:
    assert [known_table(name) for name in TABLE_NAMES] == list(TABLE_NAMES)
    for name, nearest in (("group", "groups"), ("finding", "findings"), ("Authority", "authority")):
        with pytest.raises(UnknownKeyError, match=f"Did you mean .*{nearest}"):
            known_table(name)
    with pytest.raises(UnknownKeyError):
        known_table(ASKED)


# --- JSON lines ---------------------------------------------------------------------------------


@each_log
@each_table
def test_json_lines_are_the_rows_of_the_json(name: str, table: str) -> None:
    printed = _printed(write_ndjson, _summary(name), table)

    *lines, rest = printed.split("\n")
    assert rest == ""
    assert [json.loads(line) for line in lines] == _rows(name, table)
    assert printed.splitlines() == lines


@each_table
def test_json_lines_hold_no_raw_control_characters(table: str) -> None:
    assert _controls(_printed(write_ndjson, _summary("hostile"), table)) == set()


# --- CSV ----------------------------------------------------------------------------------------


def _read_csv(text: str) -> tuple[list[str], list[list[str]]]:
    csv.field_size_limit(10_000_000)
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return header, rows


def _assert_cell(cell: str, value: object) -> None:
    """Compare a cell with a value; a formula has an apostrophe, escapes are what they stand for."""
    if value is None:
        assert cell == ""
    elif isinstance(value, bool):
        assert cell == ("true" if value else "false")
    elif isinstance(value, int | float):
        assert float(cell) == value
    elif isinstance(value, list):
        assert printable(json.loads(cell.removeprefix("'"))) == printable(value)
    else:
        assert isinstance(value, str)
        is_formula = value.startswith(("\t", "\r")) or value.strip().startswith(tuple("=+-@"))
        assert printable(cell) == f"{chr(39) * is_formula}{printable(value)}"


@each_log
@each_table
def test_csv_read_back_is_the_rows_of_the_json(name: str, table: str) -> None:
    header, rows = _read_csv(_printed(write_csv, _summary(name), table))

    expected = [_flat(row) for row in _rows(name, table)]
    assert header == list(expected[0])
    assert {len(row) for row in rows} == {len(header)}
    for found, row in zip(rows, expected, strict=True):
        for cell, value in zip(found, row.values(), strict=True):
            _assert_cell(cell, value)


@each_table
def test_no_cell_is_a_formula(table: str) -> None:
    _, rows = _read_csv(_printed(write_csv, _summary("hostile"), table))

    starts = ("=", "+", "-", "@", "\t", "\r")
    formulas = [c for row in rows for c in row if c.startswith(starts) and not _is_number(c)]
    assert formulas == []


_FORMULAS = (
    "=1",
    " =cmd()",
    "\n=1+1",
    "\t@x",
    "\r\n-1",
    "\xa0+1",
    "\ufeff=1",
    "\uff1d1",
    "\t",
    "\x0b\x00=1",
)
_NO_FORMULAS = ("a", " a", "\na=1", "1=1", "x@example.com", "#")


@pytest.mark.parametrize("text", [*_FORMULAS, *_NO_FORMULAS])
def test_white_space_hides_no_formula(text: str, tmp_path: Path) -> None:
    out, path = io.StringIO(), tmp_path / "records.csv"
    write_rows([{"path": text}], out)
    frame = pl.DataFrame({"path": [text]})
    write_frame(frame.lazy(), path, ".csv", {})

    for written in (out.getvalue(), OF_ALL_ROWS["csv"](frame), path.read_bytes().decode()):
        _, rows = _read_csv(written)
        assert [cell.startswith("'") for row in rows for cell in row] == [text in _FORMULAS]


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell) is not None


@each_table
def test_csv_holds_no_raw_control_characters(table: str) -> None:
    # Line ends and tabs may stand in a quoted cell.
    found = _controls(_printed(write_csv, _summary("hostile"), table))
    assert found - {"\t", "\r"} == set()


@pytest.mark.parametrize("text", ["a\rb", "\r", "\r\n", "a\nb", '"', '","', "\x00", "é,\u2028"])
def test_text_with_line_ends_and_quotes_stays_one_cell(text: str) -> None:
    summary = summarize(tally_sources([source_of(text_of([served(route_name=text)]))]))

    header, rows = _read_csv(_printed(write_csv, summary, "route_name"))

    (row,) = rows
    assert len(row) == len(header)
    assert printable(row[0].removeprefix("'")) == printable(text)


# --- Markdown -----------------------------------------------------------------------------------

_COLUMNS = ("requests", "share", "unrouted", "errors", "latency_ms_p50", "latency_ms_p99")
_BLOCKS = {"paragraph", "inline", "ordered_list", "list_item", "table", "thead", "tbody", "tr",
           "th", "td"}  # fmt: skip
_INLINES = {"text", "text_special", "code_inline", "strong", "softbreak", "hardbreak"}


def _parsed(markdown: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(markdown)


def _kind(token: Token) -> str:
    return token.type.removesuffix("_open").removesuffix("_close")


def _tables(markdown: str) -> list[list[list[str]]]:
    """Return the cells of every table of a document, without their markup."""
    tables: list[list[list[str]]] = []
    for token, content in itertools.pairwise(_parsed(markdown)):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type in {"th_open", "td_open"}:
            tables[-1][-1].append("".join(part.content for part in content.children or ()))
    return tables


def _table_of(markdown: str, table: str) -> list[list[str]]:
    """Return the cells of a table that was asked for; that of requests is before connections."""
    return _tables(markdown)[-2 if table == ASKED else -1]


def _shown(name: str, value: object) -> str:
    if isinstance(value, float) and name in {"share", "failed_share"}:
        return percent(value)
    return printable(value)


@each_log
@pytest.mark.parametrize("table", [table for table in _ALL if table != "splits"])
def test_a_markdown_table_is_the_rows_of_the_json(name: str, table: str) -> None:
    printed = _printed(write_markdown, _summary(name), table)

    header, *rows = _table_of(printed, table)
    expected = [_flat(row) for row in _rows(name, table)]
    names = list(expected[0])
    if table in _COUNTED:
        keys = names[: names.index("requests")]
        names = [*keys, *_COLUMNS]
    if table == JOINT:
        names = [n for n in names if "latency" not in n or n in _COLUMNS]
    assert header == names
    assert [[cell.strip() for cell in row] for row in rows] == [
        [_shown(column, row[column]).strip() for column in names] for row in expected
    ]


def test_a_split_as_markdown_names_its_parts() -> None:
    header, *rows = _tables(_printed(write_markdown, _summary("usual"), "splits"))[-1]

    expected = _rows("usual", "splits")
    for name in ("authority", "upstream_cluster", "requests", "share"):
        assert name in header
        column = header.index(name)
        assert [row[column] for row in rows] == [_shown(name, row[name]) for row in expected]


@each_log
@each_table
def test_every_line_of_a_markdown_table_has_the_same_cells(name: str, table: str) -> None:
    lines = _printed(write_markdown, _summary(name), table).split("\n")

    for of_table, group in itertools.groupby(lines, lambda line: line.startswith("|")):
        if of_table:
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in group}) == 1


@each_table
def test_markdown_of_hostile_text_has_no_markup_of_strangers(table: str) -> None:
    tokens = _parsed(_printed(write_markdown, _summary("hostile"), table))
    inlines = [child for token in tokens for child in token.children or ()]

    assert {_kind(token) for token in tokens} <= _BLOCKS
    assert {_kind(token) for token in inlines} <= _INLINES


@each_table
def test_markdown_calls_nobody_and_links_nowhere_outside_of_code(table: str) -> None:
    tokens = _parsed(_printed(write_markdown, _summary("hostile"), table))

    prose = [child.content for token in tokens for child in token.children or ()
             if child.type in {"text", "text_special"}]  # fmt: skip
    assert [text for text in prose if re.search(r"@|://|\bwww\.", text)] == []


def test_a_title_with_a_host_that_chats_make_a_link_of_makes_no_link() -> None:
    log = [
        *(served(n, authority="www.example.com") for n in range(30)),
        *(unrouted(n, authority="www.example.com") for n in range(40, 80)),
    ]
    printed = _printed(write_markdown, summarize(tally_sources([source_of(text_of(log))])))

    tokens = _parsed(printed)
    prose = "".join(child.content for token in tokens for child in token.children or ()
                    if child.type == "text")  # fmt: skip
    assert "www.example.com" in printed
    assert "www." not in prose


def test_markdown_says_the_findings_and_who_must_act() -> None:
    summary = _summary("usual")
    text = "".join(
        child.content or " "
        for token in _parsed(_printed(write_markdown, summary))
        for child in token.children or ()
    )

    assert summary.findings
    for found in findings_shown(summary):
        assert found.title in text
        assert found.next in text
    assert "Must act: " in text


def test_commands_in_what_to_do_next_are_code() -> None:
    log = [served(n) for n in range(60)] + [reset(n, upstream_host=None) for n in range(60, 120)]
    log = [
        record | {"response_flags": "UH", "response_code_details": "no_healthy_upstream"}
        if record["response_flags"] == "UC"
        else record
        for record in log
    ]
    text = _printed(write_markdown, summarize(tally_sources([source_of(text_of(log))])))

    command = "kubectl -n shop get endpointslices -l kubernetes.io/service-name=shop"
    assert f"Next: `{command}`; do pods match" in text


def test_text_in_code_outside_of_a_table_is_the_text_itself() -> None:
    selection = Selection.of({"cluster": [CLUSTER]})
    data = text_of([*(served(n) for n in range(30)), *(reset(n) for n in range(30, 60))])
    summary = summarize(tally_sources([source_of(data)], plan=ReadPlan(selection=selection)))

    spans = [child.content for token in _parsed(_printed(write_markdown, summary))
             for child in token.children or () if child.type == "code_inline"]  # fmt: skip

    assert summary.selection in spans


def test_markdown_has_no_table_unless_one_was_asked_for() -> None:
    without = _tables(_printed(write_markdown, _summary("usual")))
    with_one = _tables(_printed(write_markdown, _summary("usual"), "groups"))

    assert len(without) == 1
    assert without[0][0] == ["who answered 404", "requests", "share"]
    assert with_one[:-1] == without


def test_markdown_of_a_part_says_so() -> None:
    summary = summarize(tally_sources([source_of(text_of([served()]))]), complete=False)

    assert "only a part was read" in _printed(write_markdown, summary)


# --- Text ---------------------------------------------------------------------------------------


def _text(summary: Summary, table: str, *, width: int = 400, limit: int | None = None) -> list[str]:
    printed = _printed(write_text, summary, limit=limit, width=width, color=False, table=table)
    return [line.rstrip() for line in printed.split("\n") if line.strip()]


def _body(lines: list[str]) -> list[str]:
    """Return the lines under the rule of a table; of requests where connections follow."""
    lines = list(itertools.takewhile(lambda line: not line.startswith("Connections by"), lines))
    (rule,) = (place for place, line in enumerate(lines) if set(line) == {"─"})
    return [line for line in lines[rule + 1 :] if not line.startswith("…")]


@pytest.mark.parametrize("table", _COUNTED)
def test_a_table_of_requests_as_text_is_the_rows_of_the_json(table: str) -> None:
    body = _body(_text(_summary("usual"), table))

    expected = _rows("usual", table)
    keys = list(expected[0])[: list(expected[0]).index("requests")]
    for line, row in zip(body, expected, strict=True):
        cells = re.split(r"\s{2,}", line.strip())
        assert cells[: len(keys)] == [printable(row[key]) for key in keys]
        assert {count(row["requests"]), percent(row["share"]), count(row["errors"])} <= set(cells)
        p50 = row["latency_ms"]["p50"]
        assert ("-" if p50 is None else f"{p50:,}") in cells


@pytest.mark.parametrize("table", [CONNECTIONS, ASKED_CONNECTIONS])
def test_a_table_of_connections_as_text_is_the_rows_of_the_json(table: str) -> None:
    lines = _text(_summary("usual"), table)
    (rule,) = (place for place, line in enumerate(lines) if set(line) == {"─"})

    expected = _rows("usual", table)
    keys = list(expected[0])[: list(expected[0]).index("connections")]
    for line, row in zip(lines[rule + 1 :], expected, strict=True):
        cells = re.split(r"\s{2,}", line.strip())
        assert cells[: len(keys)] == [printable(row[key]) for key in keys]
        numbers = [count(row["connections"]), percent(row["share"]), count(row["failed"]),
                   count(row["refused"]), percent(row["failed_share"])]  # fmt: skip
        assert cells[len(keys) :][: len(numbers)] == numbers


def test_counts_by_columns_as_text_are_of_requests_and_then_of_connections() -> None:
    lines = _text(_summary("usual"), ASKED)

    titles = [line for line in lines if line.startswith(("By ", "Connections by "))]
    assert titles == [f"By {', '.join(_BY)}", f"Connections by {', '.join(_BY)}"]
    after = lines[lines.index(titles[1]) :]
    assert after == _text(_summary("usual"), ASKED_CONNECTIONS)[1:]


@pytest.mark.parametrize(
    ("log", "titles"),
    [
        ([served()], ["By method"]),
        ([connection()], ["Connections by method"]),
        ([served(), connection()], ["By method", "Connections by method"]),
        ([], ["By method"]),
    ],
)
def test_only_tables_with_rows_are_shown_if_there_are_any(
    log: list[Record], titles: list[str]
) -> None:
    spec = TallySpec(by=("method",))
    summary = summarize(tally_sources([source_of(text_of(log))], spec=spec), by=("method",))

    text = _text(summary, ASKED)
    markdown = _printed(write_markdown, summary, ASKED)

    assert [line for line in text if line.startswith(("By ", "Connections by "))] == titles
    assert ("Connections by" in markdown) == (titles[-1] == "Connections by method")
    assert len(_tables(markdown)) == (len(titles) if log else 0)


def test_the_timeline_as_text_has_who_must_act_where_anybody_has_to() -> None:
    text = _text(_summary("usual"), "timeline")
    rows = _rows("usual", "timeline")

    acting = [name for name in rows[0]["by_actor"] if any(row["by_actor"][name] for row in rows)]
    heading = next(line for line in text if line.startswith("time "))
    assert [name for name in rows[0]["by_actor"] if f"   {name}" in heading] == acting
    for line, row in zip(_body(text), rows, strict=True):
        start = row["start"][:19].replace("T", " ")
        numbers = [row["requests"], row["errors"], row["unrouted"]]
        numbers += [row["by_actor"][name] for name in acting]
        assert line.split() == [*start.split(), *map(count, numbers)]


@pytest.mark.parametrize("table", ["sources", "gateways", "examples"])
def test_a_plain_table_as_text_is_the_rows_of_the_json(table: str) -> None:
    body = _body(_text(_summary("usual"), table))

    for line, row in zip(body, map(_flat, _rows("usual", table)), strict=True):
        for value in row.values():
            shown = count(value) if isinstance(value, int) else printable(value)
            assert shown in line


def test_splits_as_text_have_every_part_of_a_split() -> None:
    lines = _text(_summary("usual"), "splits")

    several = [row for row in _rows("usual", "splits") if row["subset"] and not row["mirror"]]
    assert several
    for row in several:
        assert any(row["upstream_cluster"] in line and percent(row["share"]) in line
                   for line in lines)  # fmt: skip


def test_rejections_that_are_asked_for_are_all_of_them() -> None:
    lines = _text(_summary("usual"), "rejections")

    expected = _rows("usual", "rejections")
    body = _body(lines)
    for line, row in zip(body, expected, strict=True):
        assert line.startswith(row["outcome"])
        assert {printable(row["host"]), count(row["requests"])} <= set(re.split(r"\s{2,}", line))


def test_the_ledger_as_text_adds_up() -> None:
    body = _body(_text(_summary("usual"), "not_found_ledger"))

    numbers = [int(re.split(r"\s{2,}", line)[1].replace(",", "")) for line in body]
    expected = [row["requests"] for row in _rows("usual", "not_found_ledger") if row["requests"]]
    assert numbers == expected


def test_findings_as_text_are_their_titles() -> None:
    text = " ".join(_text(_summary("usual"), "findings"))

    assert _summary("usual").findings[0].title in text


@each_table
@pytest.mark.parametrize("width", [40, 140])
def test_text_of_hostile_text_moves_no_cursor_and_fits(table: str, width: int) -> None:
    printed = _printed(
        write_text, _summary("hostile"), limit=None, width=width, color=False, table=table
    )

    assert _controls(printed) == set()
    assert {c for c in printed if unicodedata.category(c) == "Cf"} == set()


@pytest.mark.parametrize("table", ["timeline", "sources", "gateways", "examples"])
@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_plain_table_shows_its_first_columns_at_usual_widths(table: str, width: int) -> None:
    log = text_of([served(0), reset(1)]) + b"agent text\n"
    summary = summarize(tally_sources([source_of(log)]))
    rows = json.loads(_printed(write_ndjson, summary, table).split("\n")[0])

    words = "".join(_body(_text(summary, table, width=width)))

    for name, value in itertools.islice(rows.items(), 3):
        if value is not None:
            shown = count(value) if isinstance(value, int) else str(value)
            assert shown[:4] in words, name


@pytest.mark.parametrize(
    ("table", "log"),
    [
        ("route_name", [served(route_name=None)]),
        ("response_flags", [served()]),
        ("splits", [served()]),
        (
            "rejections",
            [served(response_code=301, response_code_details="direct_response",
                    upstream_cluster=None, upstream_host=None, upstream_service_time=None)],
        ),
    ],
)  # fmt: skip
def test_a_table_that_was_asked_for_is_shown_or_said_to_be_empty(
    table: str, log: list[Record]
) -> None:
    summary = summarize(tally_sources([source_of(text_of(log))]))
    rows = _printed(write_ndjson, summary, table).split("\n")[:-1]

    headline, *rest = _text(summary, table)

    assert len(rows) == 1
    assert "gateway.log" in headline
    assert rest != []


# --- Every format -------------------------------------------------------------------------------


def _controls(text: str) -> set[str]:
    """Return the characters that a terminal acts on, but for the line feed."""
    turning = "\u2028\u2029\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return {c for c in text if (unicodedata.category(c) == "Cc" and c != "\n") or c in turning}


@each_table
@pytest.mark.parametrize("limit", [1, 3, 10_000])
def test_a_limit_leaves_the_first_rows(table: str, limit: int) -> None:
    summary = _summary("usual")
    expected = _rows("usual", table)[:limit]

    lines = _printed(write_ndjson, summary, table, limit=limit).splitlines()
    _, cells = _read_csv(_printed(write_csv, summary, table, limit=limit))
    markdown = _printed(write_markdown, summary, table, limit=limit)

    assert [json.loads(line) for line in lines] == expected
    assert len(cells) == len(expected)
    assert len(_table_of(markdown, table)) == 1 + len(expected)
    rest = len(_rows("usual", table)) - len(expected)
    assert (f"{rest:,} more rows" in markdown) == (rest > 0)


@pytest.mark.parametrize("table", [*_COUNTED, "timeline"])
def test_a_limit_of_text_says_how_many_rows_are_left(table: str) -> None:
    lines = _text(_summary("usual"), table, limit=2)

    rest = len(_rows("usual", table)) - 2
    assert len(_body(lines)) == 2
    assert any(line.startswith(f"… {rest:,} more") for line in lines) == (rest > 0)


@each_table
def test_the_tables_of_nothing_are_empty(table: str) -> None:
    empty = _summary("empty")

    rows = _printed(write_ndjson, empty, table)
    if table == "not_found_ledger":
        assert {json.loads(line)["requests"] for line in rows.splitlines()} == {0}
        return
    assert rows == ""
    assert len(_printed(write_csv, empty, table).splitlines()) <= 1
    assert "The table is empty." in _printed(write_markdown, empty, table)
    assert len(_text(empty, table)) <= 3


def test_the_markdown_of_nothing_says_so() -> None:
    assert "No request." in _printed(write_markdown, _summary("empty"))


@each_table
def test_a_format_is_the_same_every_time(table: str) -> None:
    for write in (write_ndjson, write_csv, write_markdown):
        first, second = (_printed(write, _summary("usual"), table) for _ in range(2))
        assert first == second
