"""What clients sent, as it stands in what is said: shortened, or known by its start alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.mesh.explanation import Diagnosis, Proof, with_short_texts
from envoylogs.mesh.routes.paths import bare_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.mesh.diagnosis.refusals import Refusal
    from envoylogs.mesh.explanation import Certainty


def as_far_as_known(found: Diagnosis, refusal: Refusal) -> Diagnosis:
    """Return what is said of a request, with long texts short, and sure as far as its path is."""
    if refusal.request.is_path_cut and found.by_path:
        found = _by_start_of_path(found, refusal)
    return with_short_texts(found, _texts_of(refusal))


def _by_start_of_path(found: Diagnosis, refusal: Refusal) -> Diagnosis:
    """Return what is said of a path of which only the start is known; it can't be pasted."""
    path = refusal.request.path or ""
    says = f"is how it begins: {len(path):,} characters of a path are kept"
    step = Proof("record", "path", path, says)
    certainty: Certainty = "likely" if found.certainty == "proved" else found.certainty
    return replace(found, certainty=certainty, proof=(*found.proof, step), change=None)


def _texts_of(refusal: Refusal) -> Iterator[str | None]:
    """Yield what clients sent, and may be long, as it stands in sentences."""
    request, host = refusal.request, refusal.host
    yield from (request.path, request.authority, request.server_name, host)
    if request.path is not None:
        yield bare_path(request.path)
    if host is not None:
        yield host.removesuffix(".")
