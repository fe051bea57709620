"""From decoded blocks to the columns of ``schema.NORMALIZED``: what a key means, once for each.

``-``, the empty string and an absent key become null; numbers are read from
numbers, from text and from floats without a fraction, which all occur by
Istio release; times become UTC. A value that can't be read as its column's
type becomes null and is counted. A method that holds a whole request line is
taken apart.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.clusters import cleaned_cluster, cluster_parts
from envoylogs.envoy.distinct import compact
from envoylogs.envoy.failures.lookup import with_failure
from envoylogs.envoy.flags import short_flags
from envoylogs.envoy.outcome_rules import LOGGED_KEYS, ending_of_record, with_outcome
from envoylogs.envoy.roles import SHOWS_OTHERS, role_of_key, shows_others, with_role
from envoylogs.envoy.traffic import cleaned_authority, kind_of_record, without_port
from envoylogs.keyed.keyed_records import KeyedRecords
from envoylogs.keyed.times import times_of
from envoylogs.keyed.unreadable import note_unreadable
from envoylogs.reading.decoded_block import KEY, PATH_SHAPE, PLACE, PRESENT, THERE, split_keys

if TYPE_CHECKING:
    from collections.abc import Collection

    from envoylogs.envoy.roles import ProxiesSeen
    from envoylogs.grouping.numbering import Numbering, Numberings
    from envoylogs.reading.decoded_block import DecodedBlock
    from envoylogs.reading.fates import LineFates

_REQUEST_LINE = r"^(?P<method>\S+) (?P<path>\S.*|-) (?P<protocol>HTTP/[0-9.]+|-)$"

_FROM_CLUSTER = {"upstream_direction", "upstream_port", "upstream_subset", "upstream_service"}
_OF_OUTCOMES = {"outcome", "failure", "kind"}
_LOGGED = [name for name in schema.NORMALIZED if name not in schema.NEVER_LOGGED]
_OF_KEYS = [name for name in _LOGGED if name not in schema.OF_RECORDS]
_NUMBERED: dict[str, pl.DataType] = {
    **{name: schema.NORMALIZED[name] for name in _OF_KEYS},
    **dict.fromkeys(LOGGED_KEYS, pl.Boolean()),
    THERE: pl.UInt8(),
}
"""What tells keys apart, in whatever form they were logged."""

# What hardly any log has.
_HOLDS_A_LINE = pl.col("method").cast(pl.String).str.contains(" H| -$")
_HAS_LONG_FLAGS = pl.col("response_flags").str.contains("[a-z]")

_NOTHING_SENT = (pl.col("bytes_sent") == 0).fill_null(value=False)

_OF_A_ROLE = ("pod", "upstream_cluster", "route_name", "downstream_local_address",
              "upstream_local_address")  # fmt: skip


def normalized(  # what is given is what a reading is made of
    block: DecodedBlock,
    numbers: Numberings,
    columns: Collection[str],
    fates: LineFates,
    proxies: ProxiesSeen,
) -> KeyedRecords:
    """Return decoded records as normalized ones.

    Args:
        block: As a decoder made it.
        numbers: Of this reading, in which the same columns are wanted of every block.
        columns: Which columns are wanted.
        fates: Where values are counted that can't be read as their type.
        proxies: What the records before have shown of who wrote them; what
            these show is added.

    Returns:
        The wanted columns in the order of the schema.
    """
    block = block if block.is_clean else cleaned(block, columns, fates)
    logged = block.keys.select(
        pl.col(name) if name in block.keys.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in _NUMBERED.items()
    )
    table, key = numbers.keys.numbered(logged)
    keys = table.once("meaning", partial(_meaning_of, columns=columns, endings=numbers.endings))
    rows, coded = block.rows, {}
    numbered = {KEY: key.gather(rows[KEY])}
    values_of = {
        "source": _in_runs(rows["source"]),
        **{n: (v, rows[n]) for n, v in block.coded.items()},
    }
    for name, (values, places) in values_of.items():
        coded[name], number = numbers.of_column(name).numbered(values.to_frame(name))
        numbered[name] = number.gather(places)
    missing = [n for n in schema.OF_RECORDS if n not in rows.columns and n not in block.seldom]
    nothing = {name: pl.lit(None, schema.NORMALIZED[name]) for name in missing}
    rows = rows.with_columns(**numbered, **nothing)
    records = KeyedRecords(keys, rows, block.seldom, coded, table)
    return _of_columns(_with_role(records, proxies) if "role" in columns else records, columns)


def _in_runs(names: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return names that stand in runs, and for each record the place of its name among these."""
    begins = (names != names.shift()).fill_null(value=True)
    return names.filter(begins), begins.cum_sum().cast(pl.UInt32) - 1


def _of_columns(records: KeyedRecords, columns: Collection[str]) -> KeyedRecords:
    """Return records without what was made on the way."""
    wanted = [name for name in schema.NORMALIZED if name in columns]
    have = records.rows.columns
    of_rows = [name for name in wanted if name in have and name in schema.OF_RECORDS]
    kept = [n for n in ("text", schema.UNKNOWN_KEYS, PATH_SHAPE, PLACE) if n in have]
    return replace(
        records,
        keys=records.keys[[name for name in wanted if name in records.keys.columns]],
        rows=records.rows[[KEY, *of_rows, *schema.POSITION, *kept]],
        seldom={name: values for name, values in records.seldom.items() if name in columns},
    )


def cleaned(block: DecodedBlock, columns: Collection[str], fates: LineFates) -> DecodedBlock:
    """Return decoded records with their values read, and with what of them is a part of keys."""
    of_rows = [name for name in schema.OF_RECORDS if name not in block.seldom]
    keys, rows = _cleaned(block.keys, _OF_KEYS), _cleaned(block.rows, of_rows)
    if keys.select(_HOLDS_A_LINE.fill_null(value=False).any()).item():
        keys, rows = _with_request_lines_taken_apart(keys, rows, fates)
    typed = keys.with_columns(_integers(keys))
    typed_rows = rows.with_columns(*_integers(rows), start_time=times_of(rows["start_time"]))
    note_unreadable(KeyedRecords(keys, rows), KeyedRecords(typed, typed_rows), fates)
    if _OF_OUTCOMES.isdisjoint(columns):
        typed = typed.with_columns(pl.lit(0, pl.UInt8).alias(THERE))
    else:
        typed, typed_rows = _with_presence(typed, typed_rows)
    # Keys outlive the batch, and all its text would with them.
    return block._replace(keys=compact(typed), rows=typed_rows, is_clean=True)


def _with_presence(keys: pl.DataFrame, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return records with ``there`` as a part of their keys."""
    is_there = [*(pl.col(name).is_not_null() for name in PRESENT[:-1]), _NOTHING_SENT]
    there = rows.select(
        pl.sum_horizontal(bit.cast(pl.UInt8) * 2**place for place, bit in enumerate(is_there)).cast(
            pl.UInt8
        )
    ).to_series()
    before, which, key = split_keys(keys.height, rows[KEY], there, 2 ** len(PRESENT))
    return keys[before].with_columns(which.alias(THERE)), rows.with_columns(key)


def _meaning_of(logged: pl.DataFrame, columns: Collection[str], endings: Numbering) -> pl.DataFrame:
    """Return the wanted columns of keys, in the order of the schema, with what they mean."""
    keys = logged.with_columns(
        _unless_empty(cleaned_cluster(pl.col("upstream_cluster"))),
        _unless_empty(cleaned_authority(pl.col("authority"))),
        # Istio 1.1.0 to 1.1.2 log the start time as the method.
        pl.when(pl.col("method").str.starts_with("2").not_()).then(pl.col("method")),
    )
    if keys.select(_HAS_LONG_FLAGS.fill_null(value=False).any()).item():
        keys = _with_short_flags(keys)
    made = []
    if "gateway" in columns:
        address = without_port(pl.col("downstream_local_address"))
        made.append(pl.coalesce("pod", address).alias("gateway"))
    if not _FROM_CLUSTER.isdisjoint(columns):
        made += cluster_parts(pl.col("upstream_cluster"))
    if "role" in columns:
        made += [role_of_key(), shows_others()]
    if _OF_OUTCOMES.isdisjoint(columns):
        return keys.with_columns(made)
    # Whether they are there is all that is asked.
    present = [
        pl.when(pl.col(THERE) // 2**place % 2 == 1).then(pl.lit(0)).alias(name)
        for place, name in enumerate(PRESENT)
    ]
    keys = keys.with_columns(present).with_columns(*made, kind_of_record().alias("kind"))
    table, ending = endings.numbered(keys.select(ending_of_record()))
    found = table.once("outcome", _outcomes_of)
    return keys.drop(PRESENT).hstack(found[ending])


def _outcomes_of(endings: pl.DataFrame) -> pl.DataFrame:
    return with_failure(with_outcome(endings))[["outcome", "failure"]]


def _cleaned(logged: pl.DataFrame, columns: Collection[str]) -> pl.DataFrame:
    """Return values as they were logged, the missing ones null, with all of some columns."""
    text = [name for name, dtype in logged.schema.items() if dtype == pl.String and name in columns]
    return logged.with_columns(
        pl.when((pl.col(text) != "-") & (pl.col(text) != "")).then(pl.col(text)),
        *(pl.lit(None, pl.String).alias(name) for name in columns if name not in logged.columns),
    )


def _with_role(records: KeyedRecords, proxies: ProxiesSeen) -> KeyedRecords:
    """Return records with the role of who wrote them as a part of their keys."""
    if not (proxies.any or records.keys[SHOWS_OTHERS].any()):
        return records
    plain = with_role(records.frame(("source", *_OF_A_ROLE)), proxies)
    return records.without("role").split("role", plain["role"])


def _with_request_lines_taken_apart(
    keys: pl.DataFrame, rows: pl.DataFrame, fates: LineFates
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return records whose method is none but the method, where it held the whole request line.

    Path and protocol are those of the line where a record has no others.
    """
    parts = pl.col("method").str.extract_groups(_REQUEST_LINE)
    is_line = pl.col("method").str.contains(_REQUEST_LINE)
    protocol = pl.when(is_line).then(_present(parts, "protocol"))
    found = keys.with_columns(
        pl.when(is_line).then(_present(parts, "method")).otherwise("method").alias("method"),
        pl.coalesce("protocol", protocol).alias("protocol"),
    )
    paths = keys.select(pl.when(is_line).then(_present(parts, "path"))).to_series()
    found_rows = rows.with_columns(
        pl.coalesce("path", pl.lit(paths.gather(rows[KEY]))).alias("path")
    )
    before, after = KeyedRecords(keys, rows), KeyedRecords(found, found_rows)
    for name in ("path", "protocol"):
        fates.add("", "column_seen", _count(after, name) - _count(before, name), name)
    return found, found_rows


def _count(records: KeyedRecords, name: str) -> int:
    """Return how many records have a value."""
    if name in records.rows.columns:
        return records.rows[name].count()
    return int(records.of_keys(pl.col(name).is_not_null()).sum())


def _present(parts: pl.Expr, name: str) -> pl.Expr:
    part = parts.struct.field(name)
    return pl.when(part != "-").then(part)


def _with_short_flags(records: pl.DataFrame) -> pl.DataFrame:
    """Return records with response flags by their short names."""
    short = {name: short_flags(name) for name in records["response_flags"].drop_nulls().unique()}
    return records.with_columns(
        pl.col("response_flags").replace_strict(short, default=None, return_dtype=pl.String)
    )


def _unless_empty(text: pl.Expr) -> pl.Expr:
    return pl.when(text != "").then(text)


def _integers(logged: pl.DataFrame) -> list[pl.Expr]:
    """Read whole numbers from text such as ``200`` and from floats such as ``200.0``.

    Those beyond what Envoy can have measured are none: a wrong one spoils every sum it is in.
    """
    return [
        _within(_integer(name, logged.schema[name]), *schema.INTEGERS[name]).alias(name)
        for name in _LOGGED
        if name in schema.INTEGERS and name in logged.columns
    ]


def _integer(name: str, dtype: pl.DataType) -> pl.Expr:
    logged = pl.col(name)
    if dtype == pl.Int64:
        return logged
    if dtype == pl.String:
        return pl.coalesce(
            logged.cast(pl.Int64, strict=False), _whole(logged.cast(pl.Float64, strict=False))
        )
    return _whole(logged)


def _within(number: pl.Expr, least: int, most: int) -> pl.Expr:
    return pl.when(number.is_between(least, most)).then(number)


def _whole(number: pl.Expr) -> pl.Expr:
    return pl.when(number == number.floor()).then(number).cast(pl.Int64, strict=False)
