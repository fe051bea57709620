"""Metrics read back by a parser that knows nothing of this program."""

from __future__ import annotations

import io
import math
from collections import Counter
from typing import TYPE_CHECKING, Self

from prometheus_client.parser import text_string_to_metric_families

from envoylogs.render.prometheus import write_metrics

if TYPE_CHECKING:
    from envoylogs.summary.summary import Summary

Labels = frozenset[tuple[str, str]]


class Metrics:
    """The samples of a text, by name and labels; labels without a value are none.

    Args:
        text: In the text format of Prometheus.
    """

    def __init__(self, text: str) -> None:
        self.types: dict[str, str] = {}
        self.labels: dict[str, set[str]] = {}
        self.samples: dict[tuple[str, Labels], float] = {}
        for family in text_string_to_metric_families(text):
            # The parser names a counter without its ending.
            name = family.name + ("_total" if family.type == "counter" else "")
            assert name not in self.types, f"{name} stands in two places"
            assert family.documentation, f"{name} has no help"
            self.types[name] = family.type
            self.labels[name] = {label for found in family.samples for label in found.labels}
            for found in family.samples:
                assert found.timestamp is None
                key = found.name, frozenset(pair for pair in found.labels.items() if pair[1])
                assert key not in self.samples, f"{key} stands twice"
                self.samples[key] = found.value

    @classmethod
    def of(cls, summary: Summary) -> Self:
        """Return the metrics that are written of a summary."""
        return cls(exposed(summary))

    def value(self, name: str, **labels: str) -> float:
        """Return the sample that has these labels and no others."""
        return self.samples[name, frozenset(labels.items())]

    def of_name(self, name: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of all samples of a name."""
        return [(dict(labels), n) for (found, labels), n in self.samples.items() if found == name]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the samples that have these labels, among others."""
        wanted = labels.items()
        return math.fsum(n for found, n in self.of_name(name) if wanted <= found.items())

    def by(self, name: str, label: str) -> Counter[str]:
        """Return the sums by one label, without those that are 0."""
        sums: Counter[str] = Counter()
        for labels, n in self.of_name(name):
            sums[labels.get(label, "")] += int(n)
        return +sums

    def values_of(self, name: str, label: str) -> set[str]:
        """Return the values of a label, without the missing one."""
        return {labels[label] for labels, _ in self.of_name(name) if label in labels}

    def buckets(self, name: str) -> dict[Labels, list[tuple[float, float]]]:
        """Return bounds and counts of the buckets of each histogram of a name, as they stand."""
        found: dict[Labels, list[tuple[float, float]]] = {}
        for labels, n in self.of_name(f"{name}_bucket"):
            bound = float(labels.pop("le"))
            found.setdefault(frozenset(labels.items()), []).append((bound, n))
        return found


def exposed(summary: Summary) -> str:
    """Return what is written of a summary."""
    out = io.StringIO(newline="")
    write_metrics(summary, out)
    return out.getvalue()
