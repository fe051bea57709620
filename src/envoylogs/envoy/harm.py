"""What kinds of harm come to requests and connections, and who must act on it."""

from __future__ import annotations

from enum import StrEnum


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
