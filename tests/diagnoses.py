"""Why a request was turned away, by objects that are written in a test."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from tests.intents import configuration

from envoylogs.mesh.diagnosis.refusals import Refusal, Seen
from envoylogs.mesh.intent import GatewayFacts
from envoylogs.mesh.mesh import Mesh
from envoylogs.mesh.requests import Request

if TYPE_CHECKING:
    from envoylogs.mesh.explanation import Diagnosis

__all__ = ["diagnosis", "said"]


_OF_REQUEST = tuple(each.name for each in fields(Request))


def diagnosis(
    *documents: str,
    host: str = "shop.example.com",
    outcome: str = "no_route",
    seen: Seen | None = None,
    facts: GatewayFacts | None = None,
    **record: Any,
) -> Diagnosis:
    """Return what is said of a request in plain HTTP.

    Args:
        documents: Objects in YAML, in their order.
        host: That was asked for.
        outcome: What became of the request.
        seen: What else the log shows.
        facts: What is known of the gateway.
        record: What else is known of the request and the record, by its name in either; and
            ``unread``, names of files that could not be read.
    """
    given = replace(configuration(*documents), unread=record.pop("unread", ()))
    asked: dict[str, Any] = {"authority": host, "port": 8080, "tls": False}
    asked |= {each: record.pop(each) for each in set(_OF_REQUEST) & set(record)}
    request = Request(**asked)
    known = facts or GatewayFacts(ports=frozenset({request.port} if request.port else ()))
    diagnose = Mesh(given).diagnoser(known, seen or Seen())
    return diagnose(Refusal(request, host, outcome, **record))


def said(found: Diagnosis) -> str:
    """Return all that is said in a diagnosis, step by step."""
    steps = (f"{each.object} {each.field} {each.value}: {each.says}" for each in found.proof)
    return "\n".join([found.says, *steps])
