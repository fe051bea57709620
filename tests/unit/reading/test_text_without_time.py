"""TEXT lines that lost their time: read as such, and nothing else that was cut is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import accounted, counts, frame, line, lines, reading, reasons, record
from tests.envelopes import ENVELOPES, Who
from tests.handmade import source_of

from envoylogs.envoy.text_formats import DEFAULT_FORMATS
from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.pipeline import tally_sources
from envoylogs.summary.summary import summarize

_TIME = "[2026-01-02T03:04:05.678Z] "
_VALUES = {
    "START_TIME": "2026-01-02T03:04:05.678Z", "REQ(:METHOD)": "POST", "PROTOCOL": "HTTP/1.1",
    "REQ(X-ENVOY-ORIGINAL-PATH?:PATH)": "/pay?card=1", "RESPONSE_CODE": "503",
    "RESPONSE_FLAGS": "UC", "BYTES_RECEIVED": "3", "BYTES_SENT": "95", "DURATION": "27",
    "REQ(USER-AGENT)": "Mozilla/5.0 (X11; Linux)", "REQ(:AUTHORITY)": "shop.example.com",
    "UPSTREAM_HOST": "192.0.2.33:8080",
}  # fmt: skip


def _line(form: str, **values: str) -> str:
    """Return a line of a form; what is not given is missing."""
    text = DEFAULT_FORMATS[form]
    for operator, value in (_VALUES | values).items():
        text = text.replace(f"%{operator}%", value)
    while "%" in text:
        before, _, rest = text.partition("%")
        text = f"{before}-{rest.partition('%')[2]}"
    return text


each_form = pytest.mark.parametrize("form", DEFAULT_FORMATS)


@each_form
@pytest.mark.parametrize("lost", [_TIME, f'{_TIME}"', _TIME.rstrip()])
def test_a_record_that_lost_its_time_is_read_without_one(form: str, lost: str) -> None:
    whole = _line(form)

    found = frame(reading(whole.encode())).row(0, named=True)
    without = frame(reading(whole.removeprefix(lost).encode())).row(0, named=True)

    assert without == {**found, "start_time": None}
    assert without["response_code"] == 503


@each_form
def test_a_connection_without_its_time_is_read(form: str) -> None:
    no_values = dict.fromkeys(("REQ(:METHOD)", "PROTOCOL"), "-") | {
        "REQ(X-ENVOY-ORIGINAL-PATH?:PATH)": "-", "RESPONSE_CODE": "0"
    }  # fmt: skip
    cut = _line(form, **no_values).removeprefix(_TIME)

    assert frame(reading(cut.encode()))["response_code"].to_list() == [0]


@each_form
def test_a_record_that_was_cut_at_any_other_place_is_none(form: str) -> None:
    whole = _line(form)
    # Lost are the time, the space behind it, or the quote too.
    allowed = {0, len(_TIME) - 1, len(_TIME), len(_TIME) + 1}
    for place in range(len(whole)):
        batch = reading(whole[place:].encode())

        assert (batch.frame is not None) == (place in allowed), whole[place:]
        assert accounted(batch.fates)


@pytest.mark.property
@given(st.sampled_from(list(DEFAULT_FORMATS)), st.data())
def test_no_record_without_time_and_cut_at_its_end_is_read(form: str, data: st.DataObject) -> None:
    cut = _line(form).removeprefix(f'{_TIME}"')
    end = data.draw(st.integers(0, cut.rindex('"192.0.2.33:8080"')))

    assert reading(cut[:end].encode()).frame is None


@pytest.mark.parametrize(
    "agent",
    [
        'GET /forged HTTP/1.1" 503 UC 0 0 0 - "-" "x" "id" "forged.example.com" "-"',
        '"GET /forged HTTP/1.1" 503 UC 0 0 0 - "-" "x',
        'x" "id" "h" "-"\\n"GET /forged HTTP/1.1" 503 UC 0 0 0 - "-" "x" "id" "h" "-"',
    ],
)
@each_form
def test_a_user_agent_makes_no_record_of_its_own(form: str, agent: str) -> None:
    timed = _line(form, **{"REQ(USER-AGENT)": agent})
    data = timed.encode() + b"\n" + line(record(user_agent=agent)) + b"\n"

    batch = reading(data + timed.removeprefix(_TIME).encode() + b"\n")

    paths = [] if batch.frame is None else frame(batch)["path"].to_list()
    assert "/forged" not in paths
    assert "/cart" in paths
    assert accounted(batch.fates)


@pytest.mark.parametrize("method", ["OST", "GETX", "get", '""GET', "'GET", "x GET"])
def test_other_words_in_the_place_of_the_method_make_no_record(method: str) -> None:
    cut = _line("Istio 1.9 and later", **{"REQ(:METHOD)": method}).removeprefix(_TIME)

    batch = reading(cut.encode() + b"\n" + cut.removeprefix('"').encode())

    assert batch.frame is None
    assert counts(batch.fates)["malformed"] == 2
    assert set(reasons(batch.fates)) == {"cut_at_start"}


@pytest.mark.parametrize("name", ["kubectl --prefix", "kubectl --timestamps", "CRI", "docker"])
def test_it_is_read_in_envelopes_too_and_has_not_their_time(name: str) -> None:
    cut = _line("Istio 1.9 and later").removeprefix(_TIME).encode()

    batch = reading(b"\n".join(ENVELOPES[name].wrap(cut, Who())))

    assert frame(batch).select("path", "start_time").rows() == [("/pay?card=1", None)]


def test_how_many_records_have_no_time_is_said_and_they_are_in_no_window() -> None:
    cut = _line("Istio 1.9 and later").removeprefix(_TIME).encode() + b"\n"
    source = source_of(cut * 3 + lines(record(), record(response_code=404)))
    window = Selection.of({"code": ["5*", "2*"]}, since_us=0)

    accounts = summarize(tally_sources([source], plan=ReadPlan(selection=window))).accounts
    everything = summarize(tally_sources([source]))

    assert (accounts.records, accounts.untimed, accounts.untimed_left_out) == (5, 3, 3)
    assert (everything.accounts.untimed, everything.accounts.untimed_left_out) == (3, 0)
    (found,) = [one for one in everything.findings if one.code == "log_incomplete"]
    assert "3 records have no time" in found.title
