"""What a reader of a finding can run: its requests as a condition in SQL, and commands.

``--where`` takes the condition, so its lines can be asked for or counted in another way; a
test holds the number of the selected records against the finding's. Clients choose names: one
stands in a command only if it is harmless there.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.outcomes import UNROUTED

if TYPE_CHECKING:
    from collections.abc import Iterable


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
is_request = "kind = 'request'"
"""The gateway's own traffic and connections are not counted by findings about requests."""


def _quoted(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def equals(column: str, value: object) -> str:
    """Return that a column has a value; None is a missing one."""
    return f"{column} IS NULL" if value is None else f"{column} = {_quoted(value)}"


def is_one_of(column: str, values: Iterable[object]) -> str:
    """Return that a column has one of some values, at least one, which may be missing."""
    listed = list(values)
    present = [value for value in listed if value is not None]
    if len(present) == 1:
        found = [equals(column, present[0])]
    else:
        found = [f"{column} IN ({', '.join(map(_quoted, present))})"] if present else []
    return any_of(*found, *([f"{column} IS NULL"] if len(present) < len(listed) else []))


def is_as_in(rows: pl.DataFrame, *columns: str) -> str:
    """Return that each of some columns has one of the values that it has in some rows."""
    return all_of(*(is_one_of(column, rows[column].unique().sort()) for column in columns))


def is_none_of(column: str, values: Iterable[object]) -> str:
    """Return that a column has none of some values, at least one; it may be missing."""
    return any_of(f"{column} IS NULL", f"NOT ({is_one_of(column, values)})")


def all_of(*conditions: str) -> str:
    """Return that every condition holds."""
    return " AND ".join(conditions)


def any_of(*conditions: str) -> str:
    """Return that at least one condition holds."""
    return conditions[0] if len(conditions) == 1 else f"({' OR '.join(conditions)})"


def paths_of(rows: pl.DataFrame) -> str:
    """Return that a request has the method and the path group of one of some rows."""
    methods = rows["method"].unique().sort()
    if len(methods) == 1:
        return all_of(equals("method", methods[0]), is_one_of("path_group", rows["path_group"]))
    # One list, since strangers choose methods and thousands of ORs are more than a parser can nest.
    # A missing value is "-", which as a value is missing too; the first two conditions are for
    # methods and paths with spaces.
    both = rows.select(pl.col("method").fill_null("-") + " " + pl.col("path_group").fill_null("-"))
    return all_of(
        is_one_of("method", methods),
        is_one_of("path_group", rows["path_group"].unique().sort()),
        is_one_of("COALESCE(method, '-') || ' ' || COALESCE(path_group, '-')", both.to_series()),
    )


def unrouted_of(host: str | None, *conditions: str) -> str:
    """Return that a request of a host had no route and meets more conditions."""
    return all_of(is_request, is_one_of("outcome", UNROUTED), equals("host", host), *conditions)


def within(since_us: int | None, until_us: int | None) -> list[str]:
    """Return that a record is of a stretch of time, both ends included; null for no limit."""
    return [
        f"start_time::timestamp {sign} "
        f"'{_EPOCH + timedelta(microseconds=time_us):%Y-%m-%dT%H:%M:%S.%f}'::timestamp"
        for sign, time_us in ((">=", since_us), ("<=", until_us))
        if time_us is not None
    ]


ENDPOINTS = "Look at the endpoints of the services"
"""What to look at where no command lists them."""

_ADDRESS = re.compile(r"\[?([0-9A-Fa-f:.]+?)\]?(?::\d+)?")


def is_plain(host: str) -> bool:
    """Tell host names that are safe inside a command."""
    return host.replace(".", "").replace("-", "").isalnum() and not host.startswith("-")


def endpoints_command(cluster: str | None) -> str:
    """Return the command that lists the endpoints of a Kubernetes service."""
    host = (cluster or "").rsplit("|", maxsplit=1)[-1]
    name, _, rest = host.partition(".")
    namespace = rest.split(".svc.")[0] if ".svc." in rest else ""
    if not namespace or not is_plain(host):
        return "Look at the endpoints of the service"
    return f"kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name}"


def pods_command(upstream_host: str) -> str:
    """Return the command that finds a pod by its address; none for what is no address."""
    address = _ADDRESS.fullmatch(upstream_host)
    return f" (kubectl get pods -A -o wide | grep -F {address[1]})" if address else ""


def find_pod_command(gateway: str) -> str:
    """Return the command that finds a gateway by its pod or address; none for other names."""
    found = f" (kubectl get pods -A -o wide | grep -F {gateway})" if is_plain(gateway) else ""
    return found or pods_command(gateway)
