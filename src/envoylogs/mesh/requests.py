"""What a log holds of a request that decides which route takes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Request:
    """A request, or a connection, as far as a record holds it.

    Attributes:
        authority: The host as it was asked for, with its port if one was given, in lower case;
            null for a connection, and where it was not logged.
        path: With its query, as it was asked for; null where it was not logged.
        method: Upper case as in HTTP; null where it was not logged.
        port: The port of the pod that the client reached (``downstream_local_address``).
        server_name: Of the TLS handshake (``requested_server_name``); null for none, or if no
            column of it was ever logged (see ``tls``).
        tls: Whether the connection was TLS; null where the log does not say it.
        query_known: Whether ``path`` has the query with its values: some logs and all
            anonymized ones have not.
        headers: Those that were logged, by their name in lower case. A header that is not
            here may have been sent or not.
        absent: Names of headers that were logged as missing: not sent.
        is_path_cut: Whether ``path`` is only how it began; what came after it is not known.
    """

    authority: str | None = None
    path: str | None = "/"
    method: str | None = "GET"
    port: int | None = None
    server_name: str | None = None
    tls: bool | None = None
    query_known: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    is_path_cut: bool = False
