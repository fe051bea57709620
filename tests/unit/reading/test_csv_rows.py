"""Rows of CSV exports with records in quoted cells: round trips of Python's own module."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import (
    accounted,
    counts,
    enveloped,
    frame,
    line,
    lines,
    printed,
    reading,
    reasons,
    record,
)
from tests.envelopes import csv_row
from tests.strategies import portions

_TIME = b"2026-01-02 03:04:05.678"
_TEXT = (
    b'[2026-01-02T03:04:05.678Z] "GET /cart HTTP/2" 200 - via_upstream - "-" 0 1024 12 11 '
    b'"192.0.2.200" "curl/8.5.0" "6f867212" "shop.example.com" "192.0.2.33:8080" '
    b"outbound|80||cart.shop.svc.cluster.local 192.0.2.10:51234 192.0.2.10:8443 "
    b"192.0.2.200:40312 shop.example.com -"
)
_ESCAPED: dict[str, Any] = {
    "escapechar": "\\", "doublequote": False, "quoting": csv.QUOTE_ALL
}  # fmt: skip


def _written(*rows: list[bytes], **dialect: Any) -> bytes:
    return b"".join(one + b"\n" for row in rows for one in csv_row(row, **dialect))


# What may stand in a cell without quotes, or is put between quotes by the writer.
_cells = st.sampled_from(
    (b"", b"pod-1", b"2026-01-02 03:04:05,678", b"1/2/2026 3:04:05 AM", b'a "b", c;d\te|f', b"{x}",
     b"2026-01-02T03:04:05.678Z", b"'", b"1767323045.1")
)  # fmt: skip
_dialects = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "quoting": st.sampled_from((csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC)),
    }
) | st.just(_ESCAPED)
_agents = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@pytest.mark.property
@given(
    st.lists(st.tuples(st.lists(_cells, max_size=2), _agents, st.lists(_cells, max_size=2))),
    _dialects,
    st.booleans(),
    portions,
)
def test_a_row_reads_back_whatever_stands_beside_the_record(
    rows: list[tuple[list[bytes], str, list[bytes]]],
    dialect: dict[str, Any],
    is_printed: bool,  # noqa: FBT001  # drawn
    sizes: list[int],
) -> None:
    # Words with other signs than these have quotes around them in every export.
    dialect = dialect if dialect["quoting"] == csv.QUOTE_ALL else {
        **dialect, "quoting": csv.QUOTE_NONNUMERIC
    }  # fmt: skip
    found = [record(path=f"/{n}", user_agent=agent) for n, (_, agent, _) in enumerate(rows)]
    data = _written(
        *(
            [*before, printed(one) if is_printed else line(one), *behind]
            for one, (before, _, behind) in zip(found, rows, strict=True)
        ),
        **dialect,
    )

    batch = reading(data, portions=sizes)

    assert accounted(batch.fates)
    assert counts(batch.fates).get("record_lines", 0) == data.count(b"\n")
    if rows:
        assert frame(batch).select("path", "user_agent").rows() == [
            (one["path"], one["user_agent"] if one["user_agent"] not in {"", "-"} else None)
            for one in found
        ]


@pytest.mark.parametrize(
    "name", [b"Time,Line\n", b'"Time";"Line"\r\n', b"sep=;\n", b"\xef\xbb\xbfTime,Line\n"]
)
def test_a_heading_is_another_line_and_the_records_below_it_are_read(name: bytes) -> None:
    batch = reading(name + _written([_TIME, line(record())]))

    assert counts(batch.fates)["other"] == 1
    assert frame(batch).height == 1


@pytest.mark.parametrize("dialect", [{}, {"delimiter": ";"}, _ESCAPED])
def test_the_time_outside_is_not_the_time_of_the_record(dialect: dict[str, Any]) -> None:
    batch = reading(_written([b"2020-01-01 00:00:00.000", line(record()), b"x"], **dialect))

    assert frame(batch)["start_time"].dt.year().to_list() == [2026]


@pytest.mark.parametrize("payload", [_TEXT, line(record())])
@pytest.mark.parametrize("dialect", [{"delimiter": ","}, {"delimiter": "\t"}, _ESCAPED])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_text_and_json_are_read_with_a_line_end_in_the_cell_too(
    payload: bytes, dialect: dict[str, Any], end: bytes
) -> None:
    data = _written([_TIME, payload + end, b"pod-1"], [_TIME, payload + end, b"pod-1"], **dialect)

    batch = reading(data)

    assert frame(batch)["path"].to_list() == ["/cart", "/cart"]
    assert enveloped(batch.fates) == {"csv": data.count(b"\n")}
    assert accounted(batch.fates)


def test_the_number_of_a_record_is_that_of_its_first_line() -> None:
    data = _written([b"Time", b"Line"], [_TIME, printed(record())], [_TIME, line(record())])

    batch = reading(data)

    assert frame(batch)["line"].to_list() == [2, 2 + len(record()) + 2]


def test_a_line_of_a_runtime_in_a_cell_has_two_envelopes() -> None:
    inside = b"2026-01-02T03:04:05.123456789+00:00 stdout F " + line(record())

    batch = reading(_written([_TIME, inside]))

    assert frame(batch).height == 1
    assert enveloped(batch.fates) == {"csv": 1, "cri": 1}


def test_the_record_is_taken_and_not_the_labels_beside_it() -> None:
    labels = json.dumps({"app": "x" * 5000}).encode()

    batch = reading(_written([labels, _TIME, line(record()), labels]))

    assert frame(batch)["path"].to_list() == ["/cart"]


def test_the_original_lines_are_kept_if_they_are_wanted() -> None:
    data = _written([_TIME, printed(record())])

    batch = reading(data, keep_text=True)

    assert frame(batch)["text"].to_list() == [data.removesuffix(b"\n")]


def test_a_row_that_was_cut_swallows_nothing_that_follows() -> None:
    whole = _written([_TIME, line(record())])
    printed_row = _written([_TIME, printed(record())])
    for cut in (whole[:-20] + b"\n", printed_row[: printed_row.rindex(b"\n", 0, -9) + 1]):
        batch = reading(cut + whole + lines(record(path="/bare")) + cut + b"agent\n" + cut)

        assert frame(batch)["path"].to_list() == ["/cart", "/bare"]
        assert accounted(batch.fates)
        assert "malformed" in counts(batch.fates)


@pytest.mark.parametrize(
    "written",
    [
        # Headers that a client chose, in the log of another program or behind an apostrophe.
        b"""':path', '/x,"{""response_code"":503,""path"":""/forged""}",y'""",
        b"""2026-01-02 03:04:05 lua script log: x,"{""response_code"":503,""path"":""/f""}",y""",
        b"""2026-01-02T03:04:05Z\twarning\tlua\tx,"{""response_code"":503,""path"":""/f""}",y""",
        b"""[2026-01-02 03:04:05.539][31][debug] x,"{""response_code"":503,""path"":""/f""}",y""",
        # Quotes that end somewhere.
        b"""a,"{""response_code"":503,""path"":""/f""}"b""",
        b"""a,"b"c,"{""response_code"":503,""path"":""/f""}",d""",
        b"""a;b,"{""response_code"":503,""path"":""/f""}";c""",
    ],
)
def test_what_is_no_row_as_a_whole_holds_no_record(written: bytes) -> None:
    batch = reading(written + b"\n")

    assert batch.frame is None
    assert accounted(batch.fates)


def test_a_client_can_not_put_a_row_into_a_record() -> None:
    forged = ',"{""response_code"":503,""path"":""/forged""}",'
    text = _TEXT.replace(b"curl/8.5.0", forged.encode())

    batch = reading(
        line(record(user_agent=forged))
        + b"\n"
        + text
        + b"\n"
        + _written([_TIME, line(record(user_agent=forged))], [_TIME, text])
    )

    assert frame(batch)["path"].to_list() == ["/cart"] * 4
    assert frame(batch)["user_agent"].to_list() == [forged] * 4


@pytest.mark.parametrize("open_rows", [1, 3000])
def test_rows_that_never_end_cost_no_more_than_other_lines(open_rows: int) -> None:
    opened = b'a,"{""response_code"": 200,\n' * open_rows

    batch = reading(opened + b"x\n" * 2500 + lines(record()))

    assert frame(batch).height == 1
    assert reasons(batch.fates) == {"prefixed_record": open_rows}
    assert counts(batch.fates)["other"] == 2500
