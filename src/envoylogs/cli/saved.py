"""Options that a saved tally can't honor, which are refused: nothing is left out in silence."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from envoylogs.cli.console import say
from envoylogs.errors import TallyQuestionError
from envoylogs.render.formatting import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.cli.log_options import LogOptions
    from envoylogs.sources.source import Source
    from envoylogs.tally.spec import TallySpec

_OF_LINES = {"mapped": "--map", "text_format": "--text-format", "rejects": "--rejects"}
"""Options about lines, of which a saved tally has none, by their parameters."""


def refuse_what_tallies_lack(sources: list[Source], log: LogOptions) -> None:
    """Refuse options of the command line that say something else than saved tallies can.

    Settings are of the logs that are read, and may be there all the time.

    Args:
        sources: To be read; options about lines are about the logs among them.
        log: What was given.

    Raises:
        TallyQuestionError: If an option would change nothing.
        TallyError: If a tally can't be read.
    """
    of_lines = [option for name, option in _OF_LINES.items() if _is_given(log, name)]
    shows_query = _is_given(log, "show_query")
    wants_names = _is_given(log, "anonymize") and not log.anonymize
    if not (of_lines or shows_query or wants_names or log.role):
        return
    from envoylogs.tally.storage import holds_records, is_saved_tally, load_spec

    tallies = [source for source in sources if is_saved_tally(source)]
    if of_lines and tallies and len(tallies) == len(sources):
        is_one = not holds_records(tallies[0])
        what = "a saved tally: it has counts" if is_one else "of records that were read before"
        raise TallyQuestionError(
            f"{printable(tallies[0].name)}: is {what} and no lines, so "
            f"{' and '.join(of_lines)} would change nothing. Leave that out, or read the logs "
            "again."
        )
    tallies = [source for source in tallies if not holds_records(source)]
    for source in tallies if shows_query or wants_names or log.role else ():
        spec = load_spec(source)
        if wants_names and spec.anonymized is not None:
            raise TallyQuestionError(
                f"{printable(source.name)}: is a saved tally of tokens in the place of names, "
                "which can't be undone: --no-anonymize would change nothing. Leave that out, or "
                "read the logs again."
            )
        if shows_query and spec.show_query != log.context.params["show_query"]:
            has = "with" if spec.show_query else "without"
            raise TallyQuestionError(
                f"{printable(source.name)}: is a saved tally of paths {has} the values of their "
                "queries, which can't be changed afterwards. Read the logs again."
            )
        _refuse_other_roles(source, spec, log)


def _is_given(log: LogOptions, parameter: str) -> bool:
    """Tell whether an option is on the command line."""
    if parameter not in log.context.params:
        return False
    source = log.context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def _refuse_other_roles(source: Source, spec: TallySpec, log: LogOptions) -> None:
    """Refuse the roles that are usual, if they are asked of a tally of others."""
    from envoylogs.keyed.selection import DEFAULT_ROLES

    if not log.role or {*log.role} != {*DEFAULT_ROLES}:
        # Whether it has those that are not usual is asked with the rest of the selection.
        return
    if spec.selection is not None and "--role" in shlex.split(spec.selection):
        asked = " ".join(f"--role {role}" for role in DEFAULT_ROLES)
        raise TallyQuestionError.not_selectable(source.name, asked, spec.selection)


def say_which_limits_are_kept(given: Mapping[str, int], spec: TallySpec | None) -> None:
    """Say of limits that were given that a saved tally of this specification keeps less."""
    for name, limit in given.items() if spec is not None else ():
        kept = getattr(spec, name)
        if limit > kept:
            say(
                f"envoylogs: --{name.replace('_', '-')} {limit:,}: a saved tally was made with "
                f"{kept:,} and has no more. Read the logs again for more."
            )
