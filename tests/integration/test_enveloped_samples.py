"""The samples of a real Envoy give the same summary in any envelope, as JSON and as TEXT."""

from __future__ import annotations

import io
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.envelopes import ENVELOPES, Who
from tests.handmade import source_of

from envoylogs.pipeline import tally_sources
from envoylogs.render.records import write_json
from envoylogs.summary.summary import summarize

_SAMPLES = Path(__file__).parents[2] / "sample_logs"
_STORIES = sorted(path.name for path in (_SAMPLES / "text").iterdir())
_FORMS = {"JSON": _SAMPLES, "TEXT": _SAMPLES / "text"}


@cache
def _log(form: str, story: str) -> tuple[bytes, ...]:
    files = sorted((_FORMS[form] / story).glob("*.log"))
    return tuple(line for path in files for line in path.read_bytes().splitlines())


def _summary(lines: list[bytes]) -> dict[str, Any]:
    """Return the summary of a log, but for what tells lines and gateways apart."""
    out = io.StringIO()
    source = source_of(b"".join(line + b"\n" for line in lines))
    write_json(summarize(tally_sources([source])), out)
    found: dict[str, Any] = json.loads(out.getvalue())
    found["accounts"] = {"records": found["accounts"]["records"]}
    del found["by"]["gateway"]
    connections = found["connections"]
    del connections["by"]["gateway"]
    failures: Counter[tuple[object, ...]] = Counter()
    for row in connections.pop("failures"):
        # An envelope names the gateway by its pod, so rows of two addresses may be one.
        key = (row["outcome"], row["requested_server_name"], row["upstream_cluster"])
        failures[(*key, row["upstream_host"], row["response_flags"])] += row["connections"]
    connections["failures"] = sorted(failures.items(), key=str)
    for finding in found["findings"]:
        del finding["gateways"]
        for example in finding["examples"]:
            del example["source"], example["line"]
    return found


@cache
def _bare(form: str, story: str) -> dict[str, Any]:
    return _summary(list(_log(form, story)))


@pytest.mark.parametrize("story", _STORIES)
@pytest.mark.parametrize(
    ("form", "name"),
    [
        (form, name)
        for form in _FORMS
        for name, envelope in ENVELOPES.items()
        if form == "JSON" or not envelope.json_only
    ],
)
def test_an_envelope_changes_no_number(form: str, name: str, story: str) -> None:
    who = Who()
    wrapped = [part for line in _log(form, story) for part in ENVELOPES[name].wrap(line, who)]

    assert _summary(wrapped) == _bare(form, story)


@pytest.mark.parametrize("story", _STORIES)
def test_all_envelopes_in_one_file_change_no_number(story: str) -> None:
    both = [line for form in _FORMS for line in _log(form, story)]
    names = list(ENVELOPES)
    wrapped = []
    for place, line in enumerate(both):
        name = names[place % len(names)]
        fits = line.startswith(b"{") or not ENVELOPES[name].json_only
        wrapped += ENVELOPES[name].wrap(line, Who()) if fits else [line]

    assert _summary(wrapped) == _summary(both)
