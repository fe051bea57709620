"""What there is to say of one way to fail, whatever flag or detail showed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envoylogs.envoy.harm import Actor


@dataclass(frozen=True, slots=True)
class Failure:
    """One way in which requests or connections end badly.

    Several flags and details may show the same one: ``UMSDR`` and
    ``max_duration_timeout``, say.

    Attributes:
        name: As in the column ``failure``; stable.
        actor: Who must act.
        blames: Where the cause is, in words.
        says: The verdict; ``{label}`` stands for the service or host, ``{codes}`` for the codes.
        next: What to do next; ``{endpoints}`` stands for the command that lists the endpoints.
        in_between: Whether a limit of something between gateway and application, or of a
            client, can end it; failures that all take the same time then speak for one.
        unasked: Whether the service was never asked.
        of_service: Whether it is told of the cluster, and not of the host that was asked for.
    """

    name: str
    actor: Actor
    blames: str
    says: str
    next: str
    in_between: bool = False
    unasked: bool = False
    of_service: bool = False
