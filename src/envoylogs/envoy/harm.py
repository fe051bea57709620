"""What kinds of harm come to requests and connections, who must act, and what a failure is."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import NamedTuple


class Actor(StrEnum):
    """Who must act."""

    CLIENT = "client"
    CONFIGURATION = "gateway configuration"
    POLICY = "gateway policy"
    OPERATOR = "gateway operator"
    UPSTREAM = "upstream"
    NOBODY = "nobody"
    UNKNOWN = "unknown"


class Harm(StrEnum):
    """What kind of harm a record tells of."""

    ERROR = "error"
    """What a user got as a failure, whoever made it."""
    INJECTED = "injected"
    """A failure that a fault rule made on purpose."""
    UNROUTED = "unrouted"
    """No route for the request."""
    REFUSED = "refused"
    """Turned away by the gateway: denied, limited, refused as bad."""
    ANSWERED_4XX = "answered_4xx"
    """Turned away by the upstream."""
    GONE = "gone"
    """The client left before the answer."""
    FAILED = "failed"
    """A connection that was not passed on, or in vain."""
    TURNED_AWAY = "turned_away"
    """A connection that was not accepted."""


class Failure(NamedTuple):
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


unasked = partial(Failure, unasked=True)
"""A failure of requests for which the service was never asked."""
