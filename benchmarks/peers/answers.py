"""What envoylogs and its peers answered, in one form, and where they differ.

An answer is numbers by table, key and name. A peer prints it as one JSON object
for each row: ``table``, ``key`` (a list of texts, null or empty for a missing
value) and the numbers by name, null or absent where there are none.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

__all__ = ["Answer", "answer_of_envoylogs", "answer_of_goaccess", "answer_of_rows", "differences"]

Key = tuple[str | None, ...]
Numbers = dict[str, Any]
Answer = dict[str, dict[Key, Numbers]]

# The table by outcome is missing: envoylogs alone makes outcomes.
_COLUMNS = ("authority", "route_name", "response_code", "upstream_cluster", "response_flags",
            "response_code_details", "gateway", "upstream_host")  # fmt: skip
_GROUP = ("authority", "route_name", "response_code", "upstream_cluster")
_TOTALS = ("requests", "connections", "own_traffic", "unrouted", "bytes_sent", "bytes_received",
           "first", "last")  # fmt: skip
_TRAFFIC = ("requests", "unrouted", "bytes_sent", "bytes_received")
_CLASSES = ("0", "1xx", "2xx", "3xx", "4xx", "5xx")
_MEASURES = ("latency_ms", "upstream_time_ms", "gateway_ms")
_UNROUTED = ("no_route", "blackhole")


def answer_of_envoylogs(said: Mapping[str, Any]) -> Answer:
    """Return what the JSON of ``summarize`` has of the tables that peers make."""
    overview = said["overview"]
    totals = {name: overview[name] for name in _TOTALS}
    without_code = sum(
        row["requests"] for row in said["by"]["response_code"] if not row["response_code"]
    )
    return {
        "overview": {(): {**totals, "not_found": overview["not_found_ledger"]["all"]}},
        "lines": {
            (): {
                "records": said["accounts"]["records"],
                "without_code": without_code + overview["connections"],
            }
        },
        "times": {(name,): _times(overview[name]) for name in _MEASURES},
        **{name: _table(said["by"][name], (name,)) for name in _COLUMNS},
        "groups": _table(said["groups"], _GROUP),
        "splits": {
            (split["route_name"], split["authority"], part["upstream_cluster"]): {
                "requests": part["requests"],
                **_times(part["latency_ms"]),
            }
            for split in said["splits"]
            for part in split["parts"]
        },
        "timeline": {
            (bucket["start"],): {name: bucket[name] for name in ("requests", "unrouted")}
            for bucket in said["timeline"]["buckets"]
        },
        "turned_away": _by_host(
            ((row["host"],), row) for row in said["rejections"] if row["outcome"] in _UNROUTED
        ),
    }


def _table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> dict[Key, Numbers]:
    return {
        _key(row[name] for name in columns): {
            **{name: row[name] for name in _TRAFFIC},
            **{name: row["codes"][name] for name in _CLASSES},
            **_times(row["latency_ms"]),
        }
        for row in rows
    }


def _times(latency: Mapping[str, Any]) -> Numbers:
    return {name: ms for name, ms in latency.items() if ms is not None and name != "exact"}


def _key(values: Iterable[object]) -> Key:
    return tuple(None if value in (None, "") else str(value) for value in values)


def answer_of_rows(printed: str) -> Answer:
    """Return what a peer printed, in the form above."""
    found: Answer = {}
    for row in _values(printed):
        table, key = row.pop("table"), _key(row.pop("key"))
        numbers = {name: value for name, value in row.items() if value is not None}
        found.setdefault(table, {}).setdefault(key, {}).update(numbers)
    if "turned_away" in found:
        found["turned_away"] = _by_host(found["turned_away"].items())
    return found


def answer_of_goaccess(printed: str) -> Answer:
    """Return what of GoAccess' report envoylogs counts as well."""
    general = json.loads(printed)["general"]
    numbers = {"records": general["total_requests"], "without_code": general["failed_requests"]}
    return {"lines": {(): numbers}}


_BEGIN = re.compile(r"\S")


def _values(text: str) -> Iterator[dict[str, Any]]:
    """Return JSON objects that stand one after the other; Miller prints each on many lines."""
    decoder, end = json.JSONDecoder(), 0
    while begin := _BEGIN.search(text, end):
        found, end = decoder.raw_decode(text, begin.start())
        yield found


def _by_host(rows: Iterable[tuple[Key, Mapping[str, Any]]]) -> dict[Key, Numbers]:
    """Add up by host: envoylogs prints only the most frequent paths, without counts."""
    found: dict[Key, Numbers] = {}
    for (host, *_), row in rows:
        first, last = row["first"], row["last"]
        sums = found.setdefault((host,), {"requests": 0, "first": first, "last": last})
        sums["requests"] += row["requests"]
        sums["first"], sums["last"] = min(sums["first"], first), max(sums["last"], last)
    return found


def differences(ours: Answer, theirs: Answer, left_out: Collection[str] = ()) -> list[str]:
    """Return where an answer differs from that of envoylogs, by table, key and number.

    Args:
        ours: The answer that it must have.
        theirs: The answer of a peer; what is not in ours is passed over, but for rows.
        left_out: Tables, and rows by table and key (``times upstream_time_ms``), that the
            peer does not make.
    """
    return [
        found
        for table in ours
        if table not in left_out
        for found in _in_table(table, ours[table], theirs.get(table, {}), left_out)
    ]


def _in_table(
    table: str,
    ours: Mapping[Key, Numbers],
    theirs: Mapping[Key, Numbers],
    left_out: Collection[str],
) -> Iterator[str]:
    for key in {**ours, **theirs}:
        row = " ".join([table, *(part or "-" for part in key)])
        if row in left_out:
            continue
        if key not in theirs or key not in ours:
            yield f"{row}: {'missing' if key in ours else 'not expected'}"
            continue
        for name, wanted in ours[key].items():
            given = theirs[key].get(name)
            if not _is_same(wanted, given):
                yield f"{row}: {name} is {given}, not {wanted}"


def _is_same(wanted: object, given: object) -> bool:
    # Means are quotients, whose last digits depend on the order of additions.
    if isinstance(wanted, float) and isinstance(given, float | int):
        return math.isclose(wanted, given, rel_tol=1e-9)
    return wanted == given
