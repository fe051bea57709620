"""From the objects of Istio and the Gateway API to the tables that Istio sends to a gateway.

Read in the source of Istio, whose files are named where a rule of theirs stands.
"""

from __future__ import annotations

from envoylogs.mesh.intent.building import intended
from envoylogs.mesh.intent.values import Binding, GatewayFacts, Intent, Note, Server

__all__ = ["Binding", "GatewayFacts", "Intent", "Note", "Server", "intended"]
