"""What is said of why a request was turned away: cause, certainty, proof, change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.mesh.objects import ObjectName

_MOST_SHOWN = 120
"""How many characters of a host or a path are shown in a sentence."""

Certainty = Literal["proved", "likely", "log_only"]
"""``proved`` where what was given excludes every other reading, ``log_only`` without any."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One step of a proof.

    Attributes:
        object: The object, table or record that it rests on, as people name it.
        field: Which part of it: ``spec.hosts``.
        value: What stands there, as text; ``(missing)`` for nothing.
        says: What follows from it.
    """

    object: str
    field: str
    value: str
    says: str


@dataclass(frozen=True, slots=True)
class Change:
    """The change to make.

    Attributes:
        object: The object to change, or to create.
        yaml: What to paste, as part of the object; the whole of one that is created. Empty where
            no YAML is right.
        says: What it does.
    """

    object: ObjectName
    yaml: str
    says: str


@dataclass(frozen=True, slots=True)
class Now:
    """What becomes of the request by the configuration given.

    Attributes:
        routed: Whether it is routed to where it can be answered; ``may`` if something decides that
            a log does not hold.
        virtual_host: Of the table; null for none, and for a connection.
        route: The route by its name or what it matches; null for none.
        cluster: Where it sends, several with their weights; null for nowhere.
        why: What decides, or why not; empty if there is nothing to add.
    """

    routed: bool | Literal["may"]
    virtual_host: str | None = None
    route: str | None = None
    cluster: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be the cause, as far as the log alone can say.

    Attributes:
        cause: Of ``causes.CAUSE_KINDS``.
        says: What speaks for it.
        command: What decides it.
    """

    cause: str
    says: str
    command: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a request was turned away.

    Attributes:
        cause: Of ``causes.CAUSE_KINDS``.
        certainty: How sure it is.
        says: One sentence that names the object.
        proof: Step by step.
        objects: Those to look at, the one to change first.
        change: What to change; null if nothing is to be changed, or nobody can say what.
        now: What the configuration given does with it; null if it can't be said.
        candidates: The likeliest first; empty where the cause is more than the log alone says.
        by_path: Whether other paths of the same host may have other causes.
    """

    cause: str
    certainty: Certainty
    says: str
    proof: tuple[Proof, ...] = ()
    objects: tuple[ObjectName, ...] = ()
    change: Change | None = None
    now: Now | None = None
    candidates: tuple[Candidate, ...] = ()
    by_path: bool = False


def shortened(text: str) -> str:
    """Return a text of a log as it is shown in a sentence: how it begins, if it is long."""
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def with_short_texts(found: Diagnosis, texts: Iterable[str | None]) -> Diagnosis:
    """Return a diagnosis that shows of long texts only how they begin.

    The change has the whole of them, to be pasted.

    Args:
        found: What is said.
        texts: Of the log, that may stand in it; null for none.
    """
    long_ones = {text for text in texts if text is not None and len(text) > _MOST_SHOWN}
    if not long_ones:
        return found
    in_order = sorted(long_ones, key=len, reverse=True)

    def short(sentence: str) -> str:
        for text in in_order:
            sentence = sentence.replace(text, shortened(text))
        return sentence

    now = found.now
    return replace(
        found,
        says=short(found.says),
        proof=tuple(
            Proof(step.object, short(step.field), short(step.value), short(step.says))
            for step in found.proof
        ),
        now=None if now is None else replace(now, why=short(now.why)),
        candidates=tuple(replace(each, says=short(each.says)) for each in found.candidates),
    )
