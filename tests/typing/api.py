"""What a user's type checker sees; mypy checks this file, nothing runs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import assert_type

import plotly.graph_objects as go
import polars as pl

import envoylogs
from envoylogs.summary.findings.finding import Finding

assert_type(envoylogs.scan("gateway.log"), pl.LazyFrame)
assert_type(envoylogs.scan([Path("a.log"), "b.log"], host="*.example.com"), pl.LazyFrame)
assert_type(envoylogs.read("gateway.log", code=[404, "5xx"], unknown_keys=True), pl.DataFrame)
assert_type(envoylogs.analyze("gateway.log", since="-15m"), envoylogs.Analysis)
assert_type(envoylogs.analyze(envoylogs.scan("gateway.log")), envoylogs.Analysis)
envoylogs.analyze("gateway.log", since=datetime(2026, 11, 1, tzinfo=UTC), role="all")
envoylogs.analyze("gateway.log", by=["host", "outcome"], every="15m", timezone="Europe/Berlin")
envoylogs.analyze(envoylogs.read("gateway.log"), by="host", every=timedelta(hours=1))
envoylogs.analyze("gateway.log", map={"authority": "vhost", "path": ["uri", "target"]})

analysis = envoylogs.analyze("gateway.log")
assert_type(analysis.findings, tuple[Finding, ...])
assert_type(analysis.table("authority"), pl.DataFrame)
assert_type(analysis.compare(analysis, by="authority"), pl.DataFrame)
figure: go.Figure = analysis.timeline_figure()
split: go.Figure = analysis.split_figure("shop.example.com", route_name="pages")

envoylogs.scan("gateway.log", hots="typo")  # type: ignore[call-arg]
envoylogs.scan(404)  # type: ignore[arg-type]
