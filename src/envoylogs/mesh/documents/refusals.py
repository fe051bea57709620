"""Files that are given as configuration and are something else, told by how they begin."""

from __future__ import annotations

import re

from envoylogs.mesh.errors import NotConfigurationError

HEAD_BYTES = 4096
"""How much of a file is looked at."""

_PROXY = "the output of 'istioctl proxy-config {} POD -n NAMESPACE -o json'"
_OBJECTS = (
    "the output of 'kubectl get gateways.networking.istio.io,virtualservices.networking.istio.io,"
    "services -A -o yaml'"
)
ANY_CONFIGURATION = (
    "the output of 'istioctl proxy-config all POD -n NAMESPACE -o json', of Envoy's /config_dump, "
    "or of 'kubectl get ... -o yaml'"
)

_TABLES = (
    (re.compile(r"^(ADDRESS(ES)?\s+PORT|LISTENER\s+CHAIN)\b", re.MULTILINE), "listener"),
    (re.compile(r"^NAME\s+(VHOST NAME|VIRTUAL HOSTS|DOMAINS)\b", re.MULTILINE), "route"),
    (re.compile(r"^(NAME\s+)?SERVICE FQDN\s+PORT\b", re.MULTILINE), "cluster"),
    (re.compile(r"^(ENDPOINT|NAME)\s+STATUS\s+(OUTLIER CHECK|LOCALITY)", re.MULTILINE), "all"),
)
_TABLE_OF_KUBECTL = re.compile(r"\A\s*(NAMESPACE\s+)?NAME\s+[A-Z][A-Z()\- ]*$", re.MULTILINE)
_HTML = re.compile(r"\A\s*<(!doctype html|html|head|body)\b", re.IGNORECASE)
_TEXT_RECORD = re.compile(r'^\[\d{4}-\d\d-\d\dT[^\]]+\] "', re.MULTILINE)
_LINES = 3
"""How many lines are looked at: old releases of istioctl print a note before the table."""

_RECORD_KEYS = frozenset(
    {"authority", "response_code", "response_flags", "start_time", "upstream_cluster", "method"}
)
_KEYS_OF_A_RECORD = 3


def refuse_by_head(name: str, head: bytes) -> None:
    """Raise if the first bytes of a file are those of something else than configuration.

    Raises:
        NotConfigurationError: With what to give instead.
    """
    whole_head = head[:HEAD_BYTES].decode(errors="replace").removeprefix("\ufeff")
    if not whole_head.strip():
        raise NotConfigurationError.of(name, "an empty file", ANY_CONFIGURATION)
    if "\0" in whole_head:
        raise NotConfigurationError.of(name, "no text", ANY_CONFIGURATION)
    # Further down such a line may stand in a text that an object holds.
    text = "\n".join([line for line in whole_head.splitlines() if line.strip()][:_LINES])
    for head_of_table, of_what in _TABLES:
        if head_of_table.search(text):
            what = "a table of endpoints" if of_what == "all" else f"a table of {of_what}s"
            raise NotConfigurationError.of(name, what, _PROXY.format(of_what))
    if _TABLE_OF_KUBECTL.search(text):
        raise NotConfigurationError.of(name, "a table of kubectl", _OBJECTS)
    if _HTML.search(text):
        raise NotConfigurationError.of(name, "a page in HTML", ANY_CONFIGURATION)
    if _TEXT_RECORD.search(text):
        raise log_given(name)


def is_record(keys: object) -> bool:
    """Tell whether keys of an object are those of a record of an access log."""
    return isinstance(keys, dict) and len(_RECORD_KEYS & keys.keys()) >= _KEYS_OF_A_RECORD


def log_given(name: str) -> NotConfigurationError:
    """Return the error for an access log."""
    return NotConfigurationError.of(
        name, "an access log", f"it as a log, and here {ANY_CONFIGURATION}"
    )


def unknown(name: str) -> NotConfigurationError:
    """Return the error for a text that has no shape of configuration."""
    return NotConfigurationError.of(
        name, "no configuration of a mesh or a proxy", ANY_CONFIGURATION
    )
