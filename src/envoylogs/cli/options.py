"""Every shared option, declared once.

An option with an environment variable is a setting (``settings``).
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "KEEP",
    "PANELS",
    "READ",
    "SHOW",
    "WHICH",
    "WRITE",
    "AnonymizeOption",
    "ByOption",
    "ColorOption",
    "Format",
    "FormatOption",
    "JointOption",
    "KeepLastOption",
    "LimitOption",
    "MapOption",
    "MaxJointRowsOption",
    "MaxLatencyRowsOption",
    "MaxNamesOption",
    "MaxPageRowsOption",
    "OutputOption",
    "RejectsOption",
    "SaveTallyOption",
    "ShowQueryOption",
    "SourcesArgument",
    "StateOption",
    "StrictOption",
    "TableOption",
    "TextFormatOption",
    "When",
]

READ = "What to read"
WHICH = "Which records"
SHOW = "What to show"
WRITE = "Where to write"
KEEP = "How much to keep"
PANELS = (READ, WHICH, SHOW, WRITE, KEEP)
"""What the options of a command are about, in the order of its help."""

# By the ten columns of the page, a log of 44 pairs of outcome and code had 784 rows in an hour and
# 3,425 in a week when nothing was left to give up (250,000 and 150,000 lines).
_FEWEST_JOINT_ROWS = 5_000


class Format(StrEnum):
    """Formats of a summary."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"
    MARKDOWN = "markdown"
    PROMETHEUS = "prometheus"


class When(StrEnum):
    """When to use color."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


SourcesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE",
        rich_help_panel=READ,
        help="Files, folders, globs, saved tallies, or - for a pipe; plain or compressed.",
        show_default=False,
    ),
]
FormatOption = Annotated[
    Format,
    typer.Option(
        "--format", "-f", metavar="FORMAT", rich_help_panel=SHOW,
        envvar="ENVOYLOGS_FORMAT",
        help="text for people, json for programs (all tables); csv and ndjson are one table, "
        "markdown is fit to paste, prometheus is metrics for node_exporter.",
    ),
]  # fmt: skip
TableOption = Annotated[
    str | None,
    typer.Option(
        "--table", rich_help_panel=SHOW,
        metavar="NAME", show_default=False,
        help="Only this table: groups, connections, rejections, splits, findings, a column such as "
        "authority, joint, and others. csv and ndjson print groups without it.",
    ),
]  # fmt: skip
ByOption = Annotated[
    list[str] | None,
    typer.Option(
        "--by", rich_help_panel=SHOW,
        metavar="COLUMNS", show_default=False,
        help="A table by any columns together: method,path_group. Repeat or separate by commas. "
        "With --table connections that of connections alone.",
    ),
]  # fmt: skip
SaveTallyOption = Annotated[
    Path | None,
    typer.Option(
        "--save-tally", metavar="FILE", rich_help_panel=WRITE,
        show_default=False,
        help="Keep all counts in this file, to be read or added to others later.",
    ),
]  # fmt: skip
ShowQueryOption = Annotated[
    bool,
    typer.Option(
        "--show-query/--no-show-query", show_default=False, rich_help_panel=SHOW,
        envvar="ENVOYLOGS_SHOW_QUERY",
        help="Show the values of queries in paths instead of *.",
    ),
]  # fmt: skip
AnonymizeOption = Annotated[
    bool,
    typer.Option(
        "--anonymize/--no-anonymize", show_default=False, rich_help_panel=SHOW,
        envvar="ENVOYLOGS_ANONYMIZE",
        help="Replace clients, user agents, ids, tokens, values of queries and the hosts of "
        "strangers by tokens of a keyed hash, everywhere.",
    ),
]  # fmt: skip
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state", rich_help_panel=KEEP,
        metavar="FILE", show_default=False,
        help="Keep counts in this file and count only what is new in the logs since the last run, "
        "however they were rotated; show the sum.",
    ),
]  # fmt: skip
KeepLastOption = Annotated[
    str | None,
    typer.Option(
        "--keep-last", rich_help_panel=KEEP,
        metavar="SPAN", show_default=False,
        help="Forget days of --state that are older than this before the newest record: 30d.",
    ),
]  # fmt: skip
MaxNamesOption = Annotated[
    int | None,
    typer.Option(
        "--max-names", metavar="N", rich_help_panel=KEEP,
        min=1, envvar="ENVOYLOGS_MAX_NAMES", show_default=False,
        help="Names that a column (host, path, cluster, ...) keeps; the rest, unknown hosts first, "
        "is folded, and totals stay exact. 10000 unless told otherwise.",
    ),
]  # fmt: skip
MaxLatencyRowsOption = Annotated[
    int | None,
    typer.Option(
        "--max-latency-rows", metavar="N", rich_help_panel=KEEP,
        min=1, envvar="ENVOYLOGS_MAX_LATENCY_ROWS", show_default=False,
        help="Rows of durations by whole millisecond; past it percentiles are within a stated "
        "share. 250000 unless told otherwise.",
    ),
]  # fmt: skip
JointOption = Annotated[
    list[str] | None,
    typer.Option(
        "--joint", rich_help_panel=KEEP,
        metavar="COLUMNS", show_default=False,
        help="Count by time, these columns and duration together, for --save-tally and --table "
        "joint: host,path_group. Repeat or separate by commas.",
    ),
]  # fmt: skip
MaxJointRowsOption = Annotated[
    int | None,
    typer.Option(
        "--max-joint-rows", metavar="N", rich_help_panel=KEEP,
        min=_FEWEST_JOINT_ROWS, envvar="ENVOYLOGS_MAX_JOINT_ROWS",
        show_default=False,
        help="Rows of --joint at most; past it durations are rounded, then time buckets get wider, "
        "then names are folded. 250000 unless told otherwise.",
    ),
]  # fmt: skip
MaxPageRowsOption = Annotated[
    int | None,
    typer.Option(
        "--max-joint-rows", metavar="N", rich_help_panel=KEEP,
        min=_FEWEST_JOINT_ROWS, envvar="ENVOYLOGS_MAX_JOINT_ROWS",
        show_default=False,
        help="Rows of counts in the page at most; past it durations are rounded, then time buckets "
        "get wider, then names are folded, and the page says so. 500000 unless told otherwise.",
    ),
]  # fmt: skip
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit", "-n", metavar="N", rich_help_panel=SHOW,
        min=0, envvar="ENVOYLOGS_LIMIT",
        help="Rows a table at most; 0 for all. Text shows 10, JSON all. Of prometheus: hosts and "
        "clusters that are named, 100 unless told otherwise.", show_default=False,
    ),
]  # fmt: skip
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", rich_help_panel=WRITE,
        help="Write to this file instead of standard output.",
                 show_default=False),
]  # fmt: skip
StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict/--no-strict", show_default=False, envvar="ENVOYLOGS_STRICT",
        help="Exit with 1 if any line is malformed, with --state if any new one is.",
    ),
]  # fmt: skip
RejectsOption = Annotated[
    Path | None,
    typer.Option(
        "--rejects", metavar="FILE", rich_help_panel=WRITE,
        show_default=False,
        help="Keep malformed lines as they were in this file; of lines over 1 MiB the beginning.",
    ),
]  # fmt: skip
TextFormatOption = Annotated[
    str | None,
    typer.Option(
        "--text-format", rich_help_panel=READ,
        metavar="FORMAT", show_default=False, envvar="ENVOYLOGS_TEXT_FORMAT",
        help="TEXT lines of this format, as accessLogFormat holds it; those of Envoy and Istio "
        "are known.",
    ),
]  # fmt: skip
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map", rich_help_panel=READ,
        metavar="COLUMN=KEY", show_default=False, envvar="ENVOYLOGS_MAP",
        help="This key of the log holds this column: authority=vhost, or a path, "
        "authority=edge.vhost. Repeat or separate by commas.",
    ),
]  # fmt: skip
ColorOption = Annotated[
    When,
    typer.Option(
        "--color", metavar="WHEN", rich_help_panel=SHOW,
        envvar="ENVOYLOGS_COLOR",
        help="Color of text: auto (as the terminal and NO_COLOR say), always or never.",
    ),
]  # fmt: skip
