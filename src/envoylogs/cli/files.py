"""What a command reads and writes, as it was named."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

import typer

from envoylogs.cli.console import Exit, say
from envoylogs.cli.options import Format
from envoylogs.outputs import is_device
from envoylogs.render.formatting import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envoylogs.cli.log_options import LogOptions
    from envoylogs.keyed.anonymize import Anonymizer
    from envoylogs.sources.source import Source


class Files(NamedTuple):
    """What a command writes besides standard output; null for what it does not.

    Attributes:
        output: The answer.
        save_tally: Of what it is an answer.
        rejects: Malformed lines as they were.
        state: What is remembered for the next run.
    """

    output: Path | None = None
    save_tally: Path | None = None
    rejects: Path | None = None
    state: Path | None = None

    @property
    def replaced(self) -> list[Path]:
        """Those that are written anew each time."""
        return [path for path in (self.output, self.save_tally, self.rejects) if path is not None]

    def anonymizer(self, log: LogOptions) -> Anonymizer | None:
        """Return what replaces values, with the key of the environment or one for this run only.

        Null without ``--anonymize``.

        Raises:
            ConfigurationError: If the key is too short.
            typer.BadParameter: If several runs would have a key each, if lines are to
                be kept as they were, or if more is to be hidden than that.
        """
        if not log.anonymize:
            for is_given, option in (
                (log.hide_names, "--hide-names"),
                (log.hide_rare_paths, "--hide-rare-paths"),
            ):
                if is_given:
                    raise typer.BadParameter(f"{option} hides more than --anonymize: give both")
            return None
        from envoylogs.keyed.anonymizing_key import KEY_VARIABLE, keyed_anonymizer

        if self.rejects is not None:
            raise typer.BadParameter(
                "--rejects keeps malformed lines as they were, which --anonymize can't: leave it "
                "out, or give --no-anonymize"
            )
        if self.state is not None and not os.environ.get(KEY_VARIABLE):
            raise typer.BadParameter(
                "--state adds up many runs, which must anonymize with one key: set "
                f"{KEY_VARIABLE}, to what openssl rand -hex 32 prints say, and keep it"
            )
        if self.state is not None and log.hide_rare_paths:
            raise typer.BadParameter(
                "--state counts what is new, and which words are rare is known of all: leave "
                "--hide-rare-paths out"
            )
        return keyed_anonymizer(hides_names=log.hide_names)


_WRITTEN_BY = {
    ".html": "report SOURCE -o",
    ".htm": "report SOURCE -o",
    ".parquet": "convert SOURCE -o",
    ".sqlite": "convert SOURCE -o",
    ".tally": "summarize SOURCE --save-tally",
}
"""The command that writes files of these names, which are no summaries."""


_FORMATS = {
    ".json": Format.JSON,
    ".csv": Format.CSV,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".prom": Format.PROMETHEUS,
}
"""The format that the name of a file says."""


def format_of(output: Path | None, asked: Format, *, is_given: bool) -> Format:
    """Return the format of a summary: what was given, else what the name of its file says.

    Args:
        output: Of ``--output``.
        asked: Of ``--format``.
        is_given: Whether that was given, or is what is usual.

    Raises:
        typer.BadParameter: If the name says that it is no summary, with the command that
            writes such files.
    """
    suffix = "" if output is None else output.suffix.lower()
    if suffix in _WRITTEN_BY:
        raise typer.BadParameter(
            "a summary is text, json, csv, ndjson or markdown (--format); a file of this name is "
            f"written by envoylogs {_WRITTEN_BY[suffix]} {printable(output)}"
        )
    return asked if is_given else _FORMATS.get(suffix, asked)


_PAGES = (".html", ".htm", "")


def refuse_what_is_no_page(output: Path | None) -> None:
    """Refuse to write a page to a file that says by its name that it is something else.

    Raises:
        typer.BadParameter: With what a page is.
    """
    if output is not None and output.suffix.lower() not in _PAGES and not is_device(output):
        raise typer.BadParameter(
            f"{printable(output)}: a report is a page of HTML; give -o report.html. Text, JSON, "
            "CSV and Markdown are written by envoylogs summarize"
        )


def named_sources(words: Sequence[str] | None, command: str) -> list[Source]:
    """Return the sources that a command was given; a pipe if none was named.

    Raises:
        SourceError: If one of them does not exist.
        typer.Exit: If none was named and standard input is a terminal.
    """
    from envoylogs.sources.locate import locate

    if not words:
        if sys.stdin.isatty():
            say(f"Usage: envoylogs {command} [OPTIONS] [SOURCE]...")
            say(f"Name a log file, or pipe one in: kubectl logs ... | envoylogs {command}")
            raise typer.Exit(Exit.USAGE)
        words = ["-"]
    return locate(words)
