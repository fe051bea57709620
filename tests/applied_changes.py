"""What a configuration becomes when the change that was printed is made, as its words say."""

from __future__ import annotations

import copy
import re
from typing import Any

import yaml

__all__ = ["with_change"]

_RULES = {"http": "match", "rules": "matches"}
"""Lists of rules, with what a rule takes requests by."""


def with_change(configuration: str, change: dict[str, Any]) -> str:
    """Return YAML documents of which one has a change.

    What a map holds is put in; a list of hosts, gateways, subsets takes the place of the one
    that there is; a server that of those with its port and certificate; a listener is known by
    its name, and added if it is new; a match is added to the rule that the change names; a
    destination takes the place of those of its host.

    Args:
        configuration: YAML documents.
        change: ``object``, ``yaml`` and ``says``.
    """
    documents = [each for each in yaml.safe_load_all(configuration) if each is not None]
    target = next(each for each in documents if _name(each) == change["object"])
    part = yaml.safe_load(change["yaml"])
    if set(part) == {"destination"}:
        _send(target["spec"], part["destination"])
    else:
        _merge(target, part, change["says"])
    return yaml.safe_dump_all(documents, sort_keys=False)


def _name(document: dict[str, Any]) -> str:
    metadata = document["metadata"]
    return f"{document['kind']} {metadata.get('namespace', 'default')}/{metadata['name']}"


def _merge(into: dict[str, Any], part: dict[str, Any], says: str) -> None:
    for key, value in part.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value, says)
        elif key == "servers":
            into[key] = _with_server(into[key], value[0])
        elif key == "listeners":
            named_so = [each for each in into[key] if each["name"] == value[0]["name"]]
            if named_so:
                _merge(named_so[0], value[0], says)
            else:
                into[key].append(value[0])
        elif key in _RULES:
            named = re.search(r"rule (\d+)", says)
            rule = into[key][int(named[1]) if named else 0]
            rule.setdefault(_RULES[key], []).extend(value[0][_RULES[key]])
        else:
            into[key] = copy.deepcopy(value)


def _with_server(servers: list[dict[str, Any]], server: dict[str, Any]) -> list[dict[str, Any]]:
    """Return servers of which one takes the place of those that it is made of."""
    made_of = [each for each in servers if _is_part_of(each, server)]
    first = servers.index(made_of[0])
    whole = made_of[0] | server
    return [whole if number == first else each for number, each in enumerate(servers)
            if number == first or each not in made_of]  # fmt: skip


def _is_part_of(part: dict[str, Any], whole: dict[str, Any]) -> bool:
    return (
        part["port"]["number"] == whole["port"]["number"]
        and part.get("tls", {}).get("credentialName") == whole.get("tls", {}).get("credentialName")
        and set(part["hosts"]) <= set(whole["hosts"])
    )


def _send(spec: dict[str, Any], destination: dict[str, Any]) -> None:
    for rule in spec["http"]:
        for route in rule.get("route", ()):
            if route["destination"]["host"].split(".")[0] == destination["host"]:
                route["destination"] |= destination
