"""What the gateway's own table says of a host that it does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.asking import is_blackhole
from envoylogs.mesh.diagnosis.host_index import HostIndex, spelling_hint
from envoylogs.mesh.explanation import Diagnosis, Now, Proof

if TYPE_CHECKING:
    from envoylogs.mesh.diagnosis.asking import Answer
    from envoylogs.mesh.diagnosis.refusals import Refusal
    from envoylogs.mesh.tables import RouteTable

_SHOWN = 5


def step_of_table(refusal: Refusal, answer: Answer) -> Proof:
    """Return the step of a proof that the gateway's own table does not have a host."""
    table = answer.way.table
    hosts = table.virtual_hosts if table else ()
    names = ", ".join(host.name for host in hosts[:_SHOWN]) or "(none)"
    more = f" and {len(hosts) - _SHOWN:,} more" if len(hosts) > _SHOWN else ""
    name = table.name if table and table.name else "route table"
    return Proof(name, "virtual hosts", f"{names}{more}", f"none takes {refusal.host}")


def domains_of(table: RouteTable | None) -> HostIndex[None]:
    """Return the domains of a table, to be looked up; those with ports are left out."""
    hosts = table.virtual_hosts if table else ()
    domains = (domain for host in hosts for domain in host.domains)
    return HostIndex((domain, None) for domain in domains if ":" not in domain)


def explained_by_table(refusal: Refusal, answer: Answer, listed: HostIndex[None]) -> Diagnosis:
    """Return what the gateway's own table says of a host that it does not have.

    Args:
        refusal: For the host.
        answer: Of the dump.
        listed: The domains of the table.
    """
    table, host = answer.way.table, refusal.host or ""
    hosts = table.virtual_hosts if table else ()
    name = table.name if table and table.name else "route table"
    blackholes = [each for each in hosts if is_blackhole(each)]
    now = Now(routed=False, virtual_host=blackholes[0].name if blackholes else None)
    if len(blackholes) == len(hosts):
        what = blackholes[0].name if blackholes else "nothing"
        return Diagnosis(
            "gateway_without_virtualservice",
            "proved",
            f"Table {name} has {what} alone, which answers 404 to every host: no VirtualService is "
            "bound to any Gateway on this port.",
            (step_of_table(refusal, answer),),
            now=now,
        )
    if listed.listing_wildcard_of(host):
        return Diagnosis(
            "wildcard_does_not_cover", "proved",
            f"Table {name} has *.{host}, which does not cover {host} itself.",
            (step_of_table(refusal, answer),), now=now,
        )  # fmt: skip
    return Diagnosis(
        "host_not_in_virtualservice",
        "proved",
        f"No virtual host of table {name} takes {host}: no VirtualService that lists it is bound "
        "to a Gateway that accepts it. Give the objects too: they say which of the two lacks it."
        f"{spelling_hint(listed, host)}",
        (step_of_table(refusal, answer),),
        now=now,
    )
