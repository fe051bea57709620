"""What every part of Envoy's configuration is made of."""

from __future__ import annotations

from typing import Any

__all__ = ["EXTENSIONS", "Config"]

Config = dict[str, Any]
"""A part of Envoy's configuration, as JSON."""

EXTENSIONS = "type.googleapis.com/envoy.extensions"
