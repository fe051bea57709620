"""Which column a key that is not known may hold: a guess to offer, never one to act on.

Names are taken from formats of Envoy in public repositories: ``rc``,
``status``, ``verb``, ``request_command``, ``latency``, ``response_time`` and so
on. The same name often means several things, which is why these keys are not
read by themselves.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache

from envoylogs.envoy.fields import ABBREVIATIONS, ALIASES, fold, words_of

_UNLIKE = re.compile(
    r"(^|_)(grpc|policy|mixer|tls|ssl|san|cert|cipher|peer|trace\w*|span|b3|uber|error|jwt|attempt|tx"
    r"|wire|headers?|trailers?|connection|direct|mesh|team|user|country|geo|log|end|expires?)(_|$)"
    r"|forwarded_(proto|protocol|host|port|client_cert|path)|^request_duration$"
)
"""Words of keys that are about something else, whatever they end in."""

_LIKE: tuple[tuple[str, str], ...] = tuple(
    {
        "response_flags": r"flags?$",
        "response_code_details": r"details?$",
        "upstream_transport_failure_reason": r"failure(_reason)?$",
        "response_code": r"(^|_)(status|code|rc|status_text)$",
        "user_agent": r"(^|_)(agent|ua)$",
        "x_forwarded_for": r"(^|_)forwarded$",
        "request_id": r"(^|_)(request|correlation)_?id$|^rid$",
        "requested_server_name": r"(^|_)sni(_|$)",
        "method": r"(^|_)(method|verb|command)$",
        "protocol": r"(^|_)(protocol|proto)(_version)?$",
        "duration_ms": r"(^|_)(duration|latency|elapsed|took|(response|total|process\w*)_time"
                       r"|time_taken)(_ms|_millis)?$",
        "start_time": r"(^|_)(time|timestamp|date|datetime|ts|started(_at)?)$",
        "upstream_cluster": r"cluster$|^(upstream|backend|destination)_(service|info|name)$",
        "upstream_host": r"(^|_)(upstream|backend|destination)_(.*_)?(host|addr|address|ip|endpoint"
                         r"|server|pod)$|^(upstream|backend|destination|endpoint)$",
        "route_name": r"(^|_)(route|matcher)$",
        "downstream_remote_address": r"^(client|remote|source|caller)(_(addr|address|ip|host))?$"
                                     r"|_client_(ip|addr|address)$",
        "downstream_local_address": r"^(local|listener)_(addr|address)$",
        "authority": r"(^|_)(host|domain|server_name|authority|fqdn)$",
        "path": r"(^|_)(path|uri|url|target|resource)$",
        "bytes_received": r"(^|_)(bytes_(in|read)|request_(bytes|size|len))$",
        "bytes_sent": r"(^|_)(bytes_(out|written)|(response|body)_(bytes|size|len)|bytes|size)$",
        "pod": r"(^|_)(pod|instance)$",
    }.items()
)  # fmt: skip
"""How a key of each column may end, with ``_`` between its words; the first that fits is taken."""

_LONGEST = 40
_SHORTEST = 8
"""From how many letters on a known key may be misspelled and still be told."""

_ALIKE = 0.88
_FOLDED = {
    fold(key): column for column, keys in ALIASES.items() for key in keys if len(key) > _SHORTEST
}


@lru_cache(maxsize=1024)
def column_resembling(key: str) -> str | None:
    """Return the column that a key may hold which is not known; null if it is like none.

    Args:
        key: As it was logged, or a path of nested ones with dots.
    """
    if len(key) > _LONGEST:
        return None
    name = "_".join(ABBREVIATIONS.get(word, word) for word in words_of(key))
    if _UNLIKE.search(name):
        return None
    misspelled = get_close_matches(fold(key), _FOLDED, n=1, cutoff=_ALIKE)
    if misspelled:
        return _FOLDED[misspelled[0]]
    return next((column for column, ending in _LIKE if re.search(ending, name)), None)
