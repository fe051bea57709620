"""Explanations as JSON, version 1: each with its cause, proof, change and numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

import orjson

from envoylogs import __version__
from envoylogs.render.formatting import iso_time
from envoylogs.render.records import JSON_VERSION, accounts_row, json_text
from envoylogs.tally.folding.marks import FOLDED_MARKS

if TYPE_CHECKING:
    from envoylogs.mesh.mesh import Mesh
    from envoylogs.summary.explanations import Explanation
    from envoylogs.summary.summary import Summary


def write_explanations(summary: Summary, out: TextIO, *, limit: int | None = None) -> None:
    """Write one JSON object, indented, with at most so many explanations; null for all."""
    document = {
        "version": JSON_VERSION,
        "tool": f"envoylogs {__version__}",
        "complete": summary.complete,
        "selection": summary.selection,
        "accounts": accounts_row(summary.accounts, limit),
        "configuration": configuration_row(summary),
        "explanations": explanation_rows(summary, limit),
    }
    out.write(json_text(document, orjson.OPT_INDENT_2))


def configuration_row(summary: Summary) -> dict[str, Any] | None:
    """Return what was given of the configuration, and what is odd in it; null for nothing."""
    mesh = summary.mesh
    if mesh is None:
        return None
    given = mesh.configuration
    kinds: dict[str, int] = {}
    for each in given.objects:
        kinds[each.kind] = kinds.get(each.kind, 0) + 1
    return {
        "documents": given.documents,
        "objects": kinds,
        "dumps": given.dumps,
        "skipped": dict(given.skipped),
        "unread": list(given.unread),
        "warnings": list(given.warnings),
        "remarks": [
            {
                "code": note.code,
                "object": str(note.object),
                "field": note.field,
                "value": note.value,
                "says": note.says,
                "certainty": note.certainty,
            }
            for note in summary.remarks
        ],
    }


def explanation_rows(summary: Summary, limit: int | None = None) -> list[dict[str, Any]]:
    """Return explanations as objects, at most so many; null for all."""
    return [_row(found, summary.mesh) for found in summary.explanations[:limit]]


def _row(found: Explanation, mesh: Mesh | None) -> dict[str, Any]:
    cause = found.diagnosis
    change = cause.change
    return {
        "host": _unfolded(found.host),
        "host_kind": found.host_kind,
        "port": found.port,
        "known": found.known,
        "paths": [_unfolded(path) for path in found.paths],
        "methods": list(found.methods),
        "server_names": list(found.server_names),
        "outcome": found.outcome,
        "requests": found.requests,
        "first": iso_time(found.first),
        "last": iso_time(found.last),
        "clients_at_least": found.clients_at_least,
        "cause": cause.cause,
        "certainty": cause.certainty,
        "says": cause.says,
        "proof": [asdict(step) for step in cause.proof],
        "objects": [
            {
                "kind": name.kind,
                "namespace": name.namespace,
                "name": name.name,
                "changed_by": changed_by,
                "changed_at": changed_at,
            }
            for name in cause.objects
            for changed_by, changed_at in (mesh.changed(name) if mesh else (None, None),)
        ],
        "change": change
        and {"object": str(change.object), "yaml": change.yaml, "says": change.says},
        "now": cause.now and asdict(cause.now),
        "candidates": [asdict(each) for each in cause.candidates],
        **({"folded": ["host"]} if found.host in FOLDED_MARKS else {}),
    }


def _unfolded(name: str | None) -> str | None:
    return None if name in FOLDED_MARKS else name
