"""From decoded blocks to the columns of ``schema.NORMALIZED``: what a key means, once for each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.clusters import cleaned_cluster, cluster_parts
from envoylogs.envoy.failures.lookup import with_failure
from envoylogs.envoy.flags import short_flags
from envoylogs.envoy.outcome_rules import LOGGED_KEYS, ending_of_record, with_outcome
from envoylogs.envoy.roles import SHOWS_OTHERS, role_of_key, shows_others, with_role
from envoylogs.envoy.traffic import cleaned_authority, kind_of_record, without_port
from envoylogs.keyed.cleaning import OF_KEYS, cleaned
from envoylogs.keyed.joining import joined
from envoylogs.keyed.keyed_records import KeyedRecords
from envoylogs.reading.decoded_block import KEY, PATH_SHAPE, PLACE, PRESENT, THERE

if TYPE_CHECKING:
    from collections.abc import Collection

    from envoylogs.envoy.roles import ProxiesSeen
    from envoylogs.grouping.numbering import Numbering, Numberings
    from envoylogs.reading.decoded_block import DecodedBlock
    from envoylogs.reading.fates import LineFates

_FROM_CLUSTER = {"upstream_direction", "upstream_port", "upstream_subset", "upstream_service"}
_OF_OUTCOMES = {"outcome", "failure", "kind"}
_NUMBERED: dict[str, pl.DataType] = {
    **{name: schema.NORMALIZED[name] for name in OF_KEYS},
    **dict.fromkeys(LOGGED_KEYS, pl.Boolean()),
    THERE: pl.UInt8(),
}
"""What tells keys apart, in whatever form they were logged."""

# Hardly any log has them.
_HAS_LONG_FLAGS = pl.col("response_flags").str.contains("[a-z]")

_OF_A_ROLE = ("pod", "upstream_cluster", "route_name", "downstream_local_address",
              "upstream_local_address")  # fmt: skip


def normalized(  # noqa: PLR0913  # one parameter a concern of the caller
    block: DecodedBlock,
    numbers: Numberings,
    columns: Collection[str],
    fates: LineFates,
    proxies: ProxiesSeen,
    *,
    seldom_of: pl.Expr | None = None,
) -> KeyedRecords:
    """Return decoded records as normalized ones.

    Args:
        block: As a decoder made it.
        numbers: Of this reading, in which the same columns are wanted of every block.
        columns: Which columns are wanted.
        fates: Where values are counted that can't be read as their type.
        proxies: What the records before have shown of who wrote them; what
            these show is added.
        seldom_of: Tells the keys of which columns that are seldom asked may be asked at all;
            those of other records need not be kept from now on. Null for all.

    Returns:
        The wanted columns in the order of the schema.
    """
    with_presence = not _OF_OUTCOMES.isdisjoint(columns)
    if not block.is_clean:
        block = cleaned(block, fates, with_presence=with_presence)
    if block.others is not None:
        others, places = block.others
        block = joined(block, cleaned(others, fates, with_presence=with_presence), places)
    logged = block.keys.select(
        pl.col(name) if name in block.keys.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in _NUMBERED.items()
    )
    table, key = numbers.keys.numbered(logged)
    keys = table.once("meaning", partial(_meaning_of, columns=columns, endings=numbers.endings))
    if seldom_of is not None and block.pass_over is not None:
        block.pass_over(~keys.select(seldom_of).to_series()[key])
    rows, coded = block.rows, {}
    numbered = {KEY: key.gather(rows[KEY])}
    values_of = {name: (values, rows[name]) for name, values in block.coded.items()}
    if "source" not in values_of:
        values_of["source"] = _in_runs(rows["source"])
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


def _with_role(records: KeyedRecords, proxies: ProxiesSeen) -> KeyedRecords:
    """Return records with the role of who wrote them as a part of their keys."""
    if not (proxies.any or records.keys[SHOWS_OTHERS].any()):
        return records
    plain = with_role(records.frame(("source", *_OF_A_ROLE)), proxies)
    return records.without("role").split("role", plain["role"])


def _with_short_flags(records: pl.DataFrame) -> pl.DataFrame:
    """Return records with response flags by their short names."""
    short = {name: short_flags(name) for name in records["response_flags"].drop_nulls().unique()}
    return records.with_columns(
        pl.col("response_flags").replace_strict(short, default=None, return_dtype=pl.String)
    )


def _unless_empty(text: pl.Expr) -> pl.Expr:
    return pl.when(text != "").then(text)
