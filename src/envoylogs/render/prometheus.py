"""The metrics of a summary in the text format of Prometheus, version 0.0.4.

Written for the textfile collector of node_exporter, which takes no timestamps.
Names from a log are values of labels; a backslash, a quote and a line feed in
them are escaped, as the format has it, and everything else stands for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.summary.metrics.families import Family, Sample
    from envoylogs.summary.summary import Summary

_IN_A_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})
_IN_A_LABEL = _IN_A_HELP | str.maketrans({'"': r"\""})


def write_metrics(summary: Summary, out: TextIO) -> None:
    """Write the metrics that have a sample, which the summary must have been made with.

    Each has its meaning and type in front.
    """
    assert summary.metrics is not None  # noqa: S101
    for family in summary.metrics:
        out.writelines(_lines(family))


def _lines(family: Family) -> Iterator[str]:
    metric = family.metric
    if not family.samples:
        return
    yield f"# HELP {metric.name} {metric.meaning.translate(_IN_A_HELP)}\n"
    yield f"# TYPE {metric.name} {metric.type}\n"
    for sample in family.samples:
        yield f"{_series(sample)} {sample.value!r}\n"


def _series(sample: Sample) -> str:
    if not sample.labels:
        return sample.name
    labels = (f'{name}="{value.translate(_IN_A_LABEL)}"' for name, value in sample.labels)
    return f"{sample.name}{{{','.join(labels)}}}"
