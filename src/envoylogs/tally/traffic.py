"""How many requests and bytes, by everything that tables are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import polars as pl

from envoylogs import schema
from envoylogs.envoy.outcomes import FAILED_CONNECTIONS, UNROUTED, is_error
from envoylogs.tally.counting import FIRST, LAST, REQUESTS, Counted, names_in, sum_of
from envoylogs.tally.state import Counts

if TYPE_CHECKING:
    from envoylogs.keyed.keyed_records import KeyedRecords
    from envoylogs.tally.spec import TallySpec

CODE_CLASSES = ("2xx", "3xx", "4xx", "5xx", "1xx", "0", "other")
"""Classes of codes; ``0`` is no response, ``other`` anything unheard of or no code at all."""

_KEYS = ("kind", "gateway", "authority", "requested_server_name", "route_name", "response_code",
         "response_flags", "response_code_details", "upstream_cluster", "upstream_host",
         "outcome", "failure")  # fmt: skip


class TrafficCounts(Counts):
    """Requests, bytes and the times of the first and the last request (microseconds)."""

    KEYS: ClassVar = {name: schema.NORMALIZED[name] for name in _KEYS}
    SUMS: ClassVar = ("requests", "bytes_sent", "bytes_received")
    MINIMA: ClassVar = ("first",)
    MAXIMA: ClassVar = ("last",)

    @classmethod
    def counted(cls, records: KeyedRecords, spec: TallySpec) -> list[Counted]:
        """Count the records of one batch."""
        del spec
        names = dict.fromkeys(_KEYS)
        names.pop("upstream_host")
        return [
            Counted(
                records=records,
                keys={name: pl.col(name) for name in names},
                values={"upstream_host": pl.col("upstream_host")},
                names=names_in(records, upstream_host="upstream_host"),
                measures={
                    "requests": REQUESTS,
                    "bytes_sent": sum_of("bytes_sent"),
                    "bytes_received": sum_of("bytes_received"),
                    "first": FIRST,
                    "last": LAST,
                },
            )
        ]


def conditions_counted() -> dict[str, pl.Expr]:
    """Return what is counted of requests besides their number, by the name of the count."""
    by_class = code_class(pl.col("response_code"))
    return {f"code {name}": by_class == name for name in CODE_CLASSES} | {
        "blackhole": pl.col("outcome") == "blackhole",
        "of_unrouted": pl.col("outcome").is_in(UNROUTED),
        "errors": is_error(),
    }


def connections_counted() -> dict[str, pl.Expr]:
    """Return what is counted of connections besides their number, by the name of the count."""
    refused, failed = FAILED_CONNECTIONS
    return {"failed": pl.col("outcome") == failed, "refused": pl.col("outcome") == refused}


def code_class(code: pl.Expr) -> pl.Expr:
    """Return the class of a response code, one of ``CODE_CLASSES``."""
    hundreds = code // 100
    return (
        pl.when(code == 0)
        .then(pl.lit("0"))
        .when(hundreds.is_between(1, 5))
        .then(hundreds.cast(pl.String) + "xx")
        .otherwise(pl.lit("other"))
    )
