"""Every shared option, declared once.

An option with an environment variable is a setting (``settings``).
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from envoylogs.cli.completion import (
    countable_columns,
    one_of,
    several_of,
    sort_columns,
    spans,
    tables,
)

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


def option(
    *names: str,
    about: str | None = None,
    is_setting: bool = False,
    show_default: bool = False,
    **more: Any,  # noqa: ANN401  # what typer.Option takes
) -> Any:  # noqa: ANN401  # what it returns
    """Return an option; a setting has the environment variable of its name."""
    long = next(name for name in names if name.startswith("--"))
    setting = long.partition("/")[0].removeprefix("--").replace("-", "_")
    return typer.Option(
        *names,
        rich_help_panel=about,
        envvar=variable_of(setting) if is_setting else None,
        show_default=show_default,
        **more,
    )


# What several commands have, each with words of its own.
output_option = partial(option, "--output", "-o", about=WRITE, metavar="FILE")
format_option = partial(option, "--format", "-f", metavar="FORMAT", show_default=True)
limit_option = partial(option, "--limit", "-n", about=SHOW, metavar="N")
keep_last_option = partial(option, "--keep-last", metavar="SPAN")


def variable_of(setting: str) -> str:
    """Return the environment variable of a setting: a long option with ``_``."""
    return f"ENVOYLOGS_{setting.upper()}"


SourcesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE",
        rich_help_panel=READ,
        help="Files, folders, globs, saved tallies, or - for a pipe; plain or compressed.",
        show_default=False,
    ),
]
FormatOption = Annotated[Format, format_option(
    about=SHOW, is_setting=True,
    help="text for people, json for programs (all tables); csv and ndjson are one table, "
    "markdown is fit to paste, prometheus is metrics for node_exporter.",
)]  # fmt: skip
TableOption = Annotated[str | None, option(
    "--table", about=SHOW, metavar="NAME", autocompletion=one_of(tables),
    help="Only this table: groups, connections, rejections, splits, findings, a column such "
    "as authority, joint, and others. csv and ndjson print groups without it.",
)]  # fmt: skip
ByOption = Annotated[list[str] | None, option(
    "--by", about=SHOW, metavar="COLUMNS", autocompletion=several_of(countable_columns),
    help="A table by any columns together: method,path_group. Repeat or separate by commas. "
    "With --table connections that of connections alone.",
)]  # fmt: skip
EveryOption = Annotated[str | None, option(
    "--every", about=SHOW, metavar="SPAN", autocompletion=one_of(spans),
    help="By time: 15m, 1h, 1d. Alone or with --by, with --table timeline or splits, and of "
    "the timeline and the splits in JSON.",
)]  # fmt: skip
SortOption = Annotated[str | None, option(
    "--sort", about=SHOW, metavar="COLUMN", autocompletion=one_of(sort_columns),
    help="Order of the table: p99, errors, bytes_sent; the largest first, or as COLUMN:asc and "
    "COLUMN:desc say.",
)]  # fmt: skip
SaveTallyOption = Annotated[Path | None, option(
    "--save-tally", about=WRITE, metavar="FILE",
    help="Keep all counts in this file, to be read or added to others later.",
)]  # fmt: skip
ShowQueryOption = Annotated[bool, option(
    "--show-query/--no-show-query", about=SHOW, is_setting=True,
    help="Show the values of queries in paths instead of *.",
)]  # fmt: skip
AnonymizeOption = Annotated[bool, option(
    "--anonymize/--no-anonymize", about=SHOW, is_setting=True,
    help="Replace clients, user agents, ids, tokens, values of queries and the hosts of "
    "strangers by tokens of a keyed hash, everywhere.",
)]  # fmt: skip
HideRarePathsOption = Annotated[bool, option(
    "--hide-rare-paths", about=SHOW,
    help="With --anonymize: words that stand in the paths of fewer than 10 requests too. Reads "
    "twice.",
)]  # fmt: skip
HideNamesOption = Annotated[bool, option(
    "--hide-names", about=SHOW,
    help="With --anonymize, for outsiders: hosts, routes, services, addresses, pods and names of "
    "files too.",
)]  # fmt: skip
StateOption = Annotated[Path | None, option(
    "--state", about=KEEP, metavar="FILE",
    help="Keep counts in this file and count only what is new in the logs since the last "
    "run, however they were rotated; show the sum.",
)]  # fmt: skip
KeepLastOption = Annotated[str | None, keep_last_option(
    about=KEEP,
    help="Forget days of --state that are older than this before the newest record: 30d.",
)]  # fmt: skip
MaxNamesOption = Annotated[int | None, option(
    "--max-names", about=KEEP, metavar="N", min=1, is_setting=True,
    help="Names that a column (host, path, cluster, ...) keeps; the rest, unknown hosts "
    "first, is folded, and totals stay exact. 10000 unless told otherwise.",
)]  # fmt: skip
MaxLatencyRowsOption = Annotated[int | None, option(
    "--max-latency-rows", about=KEEP, metavar="N", min=1, is_setting=True,
    help="Rows of durations by whole millisecond; past it percentiles are within a stated "
    "share. 250000 unless told otherwise.",
)]  # fmt: skip
JointOption = Annotated[list[str] | None, option(
    "--joint", about=KEEP, metavar="COLUMNS", autocompletion=several_of(countable_columns),
    help="Count by time, these columns and duration together, for --save-tally and --table "
    "joint: host,path_group. Repeat or separate by commas.",
)]  # fmt: skip
MaxJointRowsOption = Annotated[int | None, option(
    "--max-joint-rows", about=KEEP, metavar="N", min=_FEWEST_JOINT_ROWS, is_setting=True,
    help="Rows of --joint at most; past it durations are rounded, then time buckets get "
    "wider, then names are folded. 250000 unless told otherwise.",
)]  # fmt: skip
MaxPageRowsOption = Annotated[int | None, option(
    "--max-joint-rows", about=KEEP, metavar="N", min=_FEWEST_JOINT_ROWS, is_setting=True,
    help="Rows of counts in the page at most; past it durations are rounded, then time "
    "buckets get wider, then names are folded, and the page says so. 500000 unless told "
    "otherwise.",
)]  # fmt: skip
LimitOption = Annotated[int | None, limit_option(
    min=0, is_setting=True,
    help="Rows a table at most; 0 for all. Text shows 10, JSON all. Of prometheus: hosts "
    "and clusters that are named, 100 unless told otherwise.",
)]  # fmt: skip
RowsOption = Annotated[int | None, limit_option(
    min=0, is_setting=True,
    help="Rows of the answer at most; 0 for all. Text shows 50, other formats all.",
)]  # fmt: skip
LogsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE",
        rich_help_panel=READ,
        help="Files, folders, globs, or - for a pipe; plain or compressed.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    Path | None, output_option(help="Write to this file instead of standard output.")
]
AllLinesOption = Annotated[bool, option(
    "--strict/--no-strict", is_setting=True, help="Exit with 1 if any line is malformed.",
)]  # fmt: skip
StrictOption = Annotated[bool, option(
    "--strict/--no-strict", is_setting=True,
    help="Exit with 1 if any line is malformed, with --state if any new one is.",
)]  # fmt: skip
RejectsOption = Annotated[Path | None, option(
    "--rejects", about=WRITE, metavar="FILE",
    help="Keep malformed lines as they were in this file; of lines over 1 MiB the beginning.",
)]  # fmt: skip
TextFormatOption = Annotated[str | None, option(
    "--text-format", about=READ, metavar="FORMAT", is_setting=True,
    help="TEXT lines of this format, as accessLogFormat holds it; those of Envoy and Istio "
    "are known.",
)]  # fmt: skip
MapOption = Annotated[list[str] | None, option(
    "--map", about=READ, metavar="COLUMN=KEY", is_setting=True,
    help="This key of the log holds this column: authority=vhost, or a path, "
    "authority=edge.vhost. Repeat or separate by commas.",
)]  # fmt: skip
ColorOption = Annotated[When, option(
    "--color", about=SHOW, metavar="WHEN", is_setting=True, show_default=True,
    help="Color of text: auto (as the terminal and NO_COLOR say), always or never.",
)]  # fmt: skip
