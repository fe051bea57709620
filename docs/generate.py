"""Write the parts of the documentation that come from the code.

cog runs these functions where a page has a block for them; ``make docs``
refreshes the pages and ``tests/docs`` checks them. The examples on the pages
of findings are in ``finding_examples``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from envoylogs import schema
from envoylogs.cli.console import Exit
from envoylogs.cli.options import variable_of
from envoylogs.cli.settings import SETTINGS
from envoylogs.column_meanings import MEANINGS, TYPES
from envoylogs.envoy.details import RESPONSE_CODE_DETAILS
from envoylogs.envoy.failures.lookup import FAILURE_OF_OUTCOME, FAILURES, TELLING_FLAGS
from envoylogs.envoy.fields import ALIASES, EITHER, ENVOY_ONLY, WRAPPERS
from envoylogs.envoy.flags import RESPONSE_FLAGS
from envoylogs.envoy.outcomes import CONNECTION_OUTCOMES, OUTCOMES, harm_of
from envoylogs.envoy.traffic import columns_behind
from envoylogs.mesh.causes import CAUSE_BY_CODE, CAUSE_KINDS
from envoylogs.problems import PROBLEMS
from envoylogs.reading.envelopes.unwrapping import ENVELOPES
from envoylogs.reading.fates import REASONS
from envoylogs.reading.mending.repair import KINDS
from envoylogs.summary.findings.catalog import FINDING_KINDS
from envoylogs.summary.findings.suspects import FAILING_CODES
from envoylogs.summary.metrics.catalog import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WIDTH = "80"

# What the columns are made from that no key of the log holds.
_MADE_FROM = {
    "upstream_direction": "made from `upstream_cluster`",
    "upstream_port": "made from `upstream_cluster`",
    "upstream_subset": "made from `upstream_cluster`",
    "upstream_service": "made from `upstream_cluster`",
    "namespace": "the line's [envelope](formats.md#envelopes)",
    "container": "the line's [envelope](formats.md#envelopes)",
    "gateway": "made from `pod` and `downstream_local_address`",
    "role": "made from `pod`, clusters and addresses",
    "outcome": "made from the other columns",
    "failure": "made from details, flags, code, outcome and cluster",
    "kind": "made from the other columns",
}

EXITS: dict[Exit, str] = {
    Exit.OK: "The command did what it was asked. Empty input counts as that, and so does a reader "
    "that closes the pipe (`| head`).",
    Exit.ERROR: "One of the errors on this page, on standard error.",
    Exit.USAGE: "The arguments make no sense: an unknown option or name, a selection that can't "
    "be read, a question that a saved tally can't answer; or no source was given and standard "
    "input is a terminal.",
    Exit.CONDITION_FAILED: "Reserved for a condition that failed; no command uses it yet.",
    Exit.NOT_ENOUGH_DATA: "Reserved for too little data to judge; no command uses it yet.",
    Exit.HUNG_UP: "Ended by SIGHUP, as when its terminal is closed; what it had counted is gone.",
    Exit.INTERRUPTED: "Interrupted with Ctrl-C, after what was read until then was printed.",
    Exit.TERMINATED: "Ended by SIGTERM, as by `kill` and container runtimes; what it had counted "
    "is gone.",
}


# Of each setting: what may be given, and what it does.
_SETTINGS: dict[str, tuple[str, str]] = {
    "format": (
        "`text`, `json`, `csv`, `ndjson`, `markdown` or `prometheus`",
        "The format of a summary.",
    ),
    "limit": (
        "a whole number from 0",
        "Rows a table at most, hosts and clusters in [metrics](prometheus.md#labels) at most; "
        "0 for all.",
    ),
    "text_format": ("text", "[A format of your own](formats.md#a-format-of-your-own)."),
    "map": (
        "a table of keys, or of lists of keys, by column",
        "[Keys of your own](formats.md#keys-of-your-own).",
    ),
    "show_query": ("`true` or `false`", "Whether values of queries are shown."),
    "anonymize": (
        "`true` or `false`",
        "Whether everything that is written is [safe to share](sharing.md).",
    ),
    "timezone": (
        "text, a name of the IANA database",
        "Whose clock times are [given and shown by](selection.md).",
    ),
    "color": ("`auto`, `always` or `never`", "When text has color."),
    "strict": ("`true` or `false`", "Whether a malformed line makes the exit code 1."),
    "max_names": ("a whole number from 1", "Names that a column [keeps](tally.md#limits)."),
    "max_latency_rows": ("a whole number from 1", "Rows of [durations](tally.md#limits)."),
    "max_joint_rows": (
        "a whole number from 5,000",
        "Rows of [joint counts](tally.md#joint-counts).",
    ),
}


def help_of(*arguments: str) -> str:
    """Return the help of a command, as a terminal of 80 columns shows it.

    Args:
        arguments: The command; none for that of the program.
    """
    shown = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "envoylogs", *arguments, "--help"],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": _WIDTH, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
    )
    return "\n".join(line.rstrip() for line in shown.stdout.strip().splitlines())


def first_finding(log: str) -> str:
    """Return the first finding of a log as a terminal shows it, as a block of Markdown."""
    _, finding, *_ = _shown("summarize", log, "--table", "findings").split("\n\n")
    return f"```text\n{finding}\n```\n"


def last_explanation(log: str, *config: str) -> str:
    """Return the last explanation of a log as a terminal shows it, as a block of Markdown."""
    options = [word for file in config for word in ("--config", file)]
    shown = _shown("explain", log, *options).rstrip("\n").split("\n\n")
    return f"```text\n{shown[-1]}\n```\n"


def _shown(*arguments: str) -> str:
    """Return what a command shows on a terminal that is 100 columns wide."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "envoylogs", *arguments],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
    ).stdout


def help_block(*arguments: str) -> str:
    """Return the help of a command as a block of Markdown."""
    return f"```text\n{help_of(*arguments)}\n```\n"


def commands() -> list[str]:
    """Return the names of all commands, in the order of the help."""
    _, _, listed = help_of().partition("\nCommands:\n")
    return [
        line.split()[0]
        for line in listed.splitlines()
        if line.startswith("  ") and line[2:3].strip()
    ]


def findings_table() -> str:
    """Return all codes of findings, each with a link to its page."""
    return _table(
        ("Code", "Must act", "What it says"),
        ((f"[`{kind.code}`]({kind.code}.md)", kind.who, kind.meaning) for kind in FINDING_KINDS),
    )


def finding_head(code: str) -> str:
    """Return what a finding says, who must act and what proves it."""
    kind = next(kind for kind in FINDING_KINDS if kind.code == code)
    unless = ", unless the [way to fail](../failures.md) says otherwise"
    who = f"{kind.who}{unless if code in FAILING_CODES else ''}"
    return f"{kind.meaning}\n\n- Must act: {who}.\n- Proof in the log: {kind.proof}\n"


def causes_table() -> str:
    """Return all codes of causes, each with a link to its page."""
    return _table(
        ("Code", "What it says", "The change as a rule"),
        ((f"[`{kind.code}`]({kind.code}.md)", kind.meaning, kind.change) for kind in CAUSE_KINDS),
    )


def cause_head(code: str) -> str:
    """Return what a cause says, what proves it and what is changed as a rule."""
    kind = CAUSE_BY_CODE[code]
    return f"{kind.meaning}\n\n- Proof in the files: {kind.proof}\n- Change: {kind.change}\n"


def outcomes_table() -> str:
    """Return all outcomes in the order in which they are tried."""
    return _table(
        ("Outcome", "Of", "Must act", "Harm", "Meaning"),
        (
            (
                f"`{outcome.name}`",
                "connections" if outcome.name in CONNECTION_OUTCOMES else "requests",
                outcome.must_act,
                _harm_of(outcome.name),
                outcome.meaning,
            )
            for outcome in OUTCOMES
        ),
    )


def _harm_of(outcome: str) -> str:
    """Return what kind of harm an outcome is, whatever the code and by it."""
    whatever, of_400, of_500 = (harm_of(outcome, code) for code in (None, 400, 500))
    parts = [f"`{whatever}`"] if whatever else []
    if of_400 != whatever:
        parts.append(f"`{of_400}` from code 400 on")
    if of_500 != of_400 and outcome not in {"upstream_4xx", "blackhole"}:  # whose code is lower
        parts.append(f"`{of_500}` from code 500 on")
    return ", ".join(parts) or "none"


def failures_table() -> str:
    """Return all ways to fail: of whom each is told, whom it blames, what it says and what next."""
    return _table(
        ("Way to fail", "Told of", "Must act", "Blames", "What it says", "What to do next"),
        (
            (
                f"`{name}`",
                "cluster" if failure.of_service else "host",
                failure.actor,
                failure.blames,
                failure.says.format(label="…", codes="CODE"),
                failure.next.format(endpoints="kubectl get endpointslices of the service"),
            )
            for name, failure in FAILURES.items()
        ),
    )


def failures_shown_by_table() -> str:
    """Return which details, flags and outcomes show each way to fail."""
    return _table(
        ("Way to fail", "Details", "Flags", "Outcomes"),
        (
            (
                f"`{name}`",
                _codes(row.match for row in RESPONSE_CODE_DETAILS if row.failure == name),
                _codes(flag.short for flag in RESPONSE_FLAGS if flag.failure == name),
                _codes(row.name for row in OUTCOMES if FAILURE_OF_OUTCOME.get(row.name) == name),
            )
            for name in FAILURES
        ),
    )


def telling_flags() -> str:
    """Return the flags that show a way to fail, the most telling first."""
    return f"{_codes(TELLING_FLAGS)}.\n"


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def columns_table() -> str:
    """Return the columns of a normalized record."""
    rows = []
    for name, dtype in schema.NORMALIZED.items():
        unit, meaning, null = MEANINGS[name]
        either = (key for key, columns in EITHER.items() if name in columns)
        known = dict.fromkeys((*ALIASES.get(name, ()), *either))
        keys = ", ".join(f"`{key}`" for key in known) or _MADE_FROM[name]
        rows.append((f"`{name}`", TYPES[str(dtype.base_type())], unit, meaning, keys,
                     null or "missing"))  # fmt: skip
    return _table(("Column", "Type", "Unit or form", "Meaning", "Keys", "Null means"), rows)


def derived_table() -> str:
    """Return the columns that are made of others where one is asked for."""
    rows = []
    for name, dtype in (schema.DERIVED | schema.POSITION).items():
        unit, meaning, null = MEANINGS[name]
        behind = columns_behind([name])
        made_from = ", ".join(f"`{column}`" for column in schema.NORMALIZED if column in behind)
        rows.append((f"`{name}`", TYPES[str(dtype.base_type())], unit, meaning,
                     made_from or "where it stands", null))  # fmt: skip
    return _table(("Column", "Type", "Unit or form", "Meaning", "Made from", "Null means"), rows)


def keys_of_envoy() -> str:
    """Return the keys that only Envoy writes."""
    return ", ".join(f"`{key}`" for key in sorted(ENVOY_ONLY)) + "."


def reasons_table() -> str:
    """Return the reasons why lines are malformed."""
    rows = ((f"[`{reason}`](#{reason})", meaning) for reason, meaning in sorted(REASONS.items()))
    return _table(("Reason", "The line is or holds"), rows)


def envelopes_table() -> str:
    """Return the kinds of envelopes."""
    rows = ((f"`{kind}`", meaning) for kind, meaning in ENVELOPES.items())
    return _table(("Kind", "Envelope"), rows)


def repairs_table() -> str:
    """Return the kinds of repairs."""
    rows = ((f"`{kind}`", meaning) for kind, meaning in KINDS.items())
    return _table(("Kind", "What was wrong"), rows)


def problems_table() -> str:
    """Return the kinds of problems of archives."""
    rows = ((f"[`{kind}`](#{kind})", meaning) for kind, meaning in PROBLEMS.items())
    return _table(("Kind", "Meaning"), rows)


def metrics_table() -> str:
    """Return the metrics for Prometheus, in the order in which they are written."""
    rows = (
        (
            f"`{metric.name}`",
            str(metric.type),
            ", ".join(f"`{label}`" for label in metric.labels) or "none",
            metric.meaning,
        )
        for metric in METRICS
    )
    return _table(("Metric", "Type", "Labels", "Meaning"), rows)


def exits_table() -> str:
    """Return the exit codes."""
    return _table(
        ("Code", "Name", "When"),
        ((str(int(code)), f"`{code.name}`", EXITS[code]) for code in Exit),
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; a bar inside a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def settings_table() -> str:
    """Return what may be set, where and to what."""
    rows = [
        (
            f"`{name}`",
            f"`--{name.replace('_', '-')}`",
            f"`{variable_of(name)}`",
            *_SETTINGS[name],
        )
        for name in SETTINGS
    ]
    return _table(("Key", "Option", "Variable", "Value", "What it does"), rows)


def wrappers_table() -> str:
    """Return the words that are left out in front of a path, and the columns behind them."""
    rows = [
        (
            f"`{word}`",
            "any"
            if columns == set(ALIASES)
            else ", ".join(f"`{column}`" for column in ALIASES if column in columns),
        )
        for word, columns in WRAPPERS.items()
    ]
    return _table(("Word", "Stands before keys of"), rows)
