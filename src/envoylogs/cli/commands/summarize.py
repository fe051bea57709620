"""``envoylogs summarize``: the answer, and every number behind it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import typer

from envoylogs.cli.console import (
    output_file,
    refuse_to_overwrite,
    replaced_file,
    say,
    say_error,
)
from envoylogs.cli.exits import Exit
from envoylogs.cli.incremental import lock_of, refuse_to_forget, sources_for_state
from envoylogs.cli.interrupt import stopped_by_interrupt
from envoylogs.cli.notes import (
    incomplete_sources,
    name_what_is_no_log,
    refuse_malformed,
    say_if_tailed,
    say_what_was_covered,
)
from envoylogs.cli.options import (
    ByOption,
    ColorOption,
    Format,
    FormatOption,
    JointOption,
    KeepLastOption,
    LimitOption,
    MapOption,
    MaxJointRowsOption,
    MaxLatencyRowsOption,
    MaxNamesOption,
    OutputOption,
    RejectsOption,
    SaveTallyOption,
    ShowQueryOption,
    SourcesArgument,
    StateOption,
    StrictOption,
    TableOption,
    TextFormatOption,
    When,
)
from envoylogs.cli.pager import ScreenText, show
from envoylogs.cli.remembering import Limits
from envoylogs.cli.renderers import names_in_metrics, renderer_of
from envoylogs.cli.selecting import SelectionOptions, selected, with_selection
from envoylogs.cli.settings import ShowConfigOption, field_keys, origin_of
from envoylogs.cli.show_config import print_config
from envoylogs.cli.tallying import Tallying
from envoylogs.cli.text_format import parsed_text_format
from envoylogs.cli.wanted import kept_span, wanted_columns, wanted_table
from envoylogs.errors import EmptySelectionError
from envoylogs.render.formatting import window

if TYPE_CHECKING:
    from envoylogs.reading.selection import Selection
    from envoylogs.sources.source import Source
    from envoylogs.tally.tally import Tally

__all__ = ["named_sources", "summarize"]


@with_selection
def summarize(  # noqa: PLR0913, PLR0917  # one parameter an option
    context: typer.Context,
    selection: SelectionOptions,
    sources: SourcesArgument = None,
    output_format: FormatOption = Format.TEXT,
    table: TableOption = None,
    by: ByOption = None,
    text_format: TextFormatOption = None,
    mapped: MapOption = None,  # noqa: ARG001  # field_keys has it, with what files say
    limit: LimitOption = None,
    output: OutputOption = None,
    save_tally: SaveTallyOption = None,
    strict: StrictOption = False,
    rejects: RejectsOption = None,
    show_query: ShowQueryOption = False,
    state: StateOption = None,
    keep_last: KeepLastOption = None,
    max_names: MaxNamesOption = None,
    max_latency_rows: MaxLatencyRowsOption = None,
    joint: JointOption = None,
    max_joint_rows: MaxJointRowsOption = None,
    color: ColorOption = When.AUTO,
    show_config: ShowConfigOption = False,
) -> None:
    """Say what is wrong at the gateway, whose fault it is and what to do next.

    Findings come first, then totals, the ledger of 404s, the split per subset
    and tables by authority, route, code, cluster, outcome and more.

    \b
    kubectl logs -n istio-system deploy/istio-ingressgateway | envoylogs
    envoylogs summarize gateway.log --format json | jq .findings
    envoylogs summarize gateway.log --host shop.example.com --since 14:05
    envoylogs summarize gateway.log --by method,path_group --code 5xx
    """  # noqa: D301  # \b keeps the lines of the examples
    if show_config:
        print_config(context)
        return
    from envoylogs.pipeline import Reading
    from envoylogs.render.named_tables import JOINT
    from envoylogs.summary.summary import summarize as summary_of

    started = time.monotonic()
    columns = wanted_columns(by)
    shown = wanted_table(output_format, table, columns)
    renderer = renderer_of(output_format, shown, limit, color)
    limits = Limits(
        columns,
        max_names,
        max_latency_rows,
        show_query if origin_of(context, "show_query") else None,
        kept_span(state, keep_last),
        wanted_columns(joint),
        max_joint_rows,
        needs_joint=shown == JOINT,
    )
    keys = field_keys(context)
    form = parsed_text_format(context, text_format, keys)
    located = sources_for_state(named_sources(sources), state, selection)
    own = () if state is None else (state, lock_of(state))
    refuse_to_overwrite(located, (output, save_tally, rejects, *own))
    refuse_to_forget((output, save_tally, rejects))
    with (
        selected(selection, located, text_format=form, keys=keys) as (wanted, kept),
        stopped_by_interrupt() as stop,
    ):
        reading = Reading(selection=wanted, text_format=form, keys=keys, stop=stop)
        tallying = Tallying(reading, rejects)
        tally, new = tallying.tally(kept, limits, state, (output, save_tally, rejects))
    _say_the_window_of_nothing(tally, wanted)
    summary = summary_of(
        tally,
        complete=not stop.requested,
        by=columns,
        joint=limits.needs_joint,
        names_in_metrics=names_in_metrics(output_format, limit),
    )
    named = {source.name for source in located if not source.found}
    incomplete = incomplete_sources(summary.accounts)
    if incomplete and not summary.accounts.records:
        for error in incomplete:
            say_error(error)
        name_what_is_no_log(summary.accounts, named)
        raise typer.Exit(Exit.ERROR)
    no_log_named = name_what_is_no_log(summary.accounts, named)
    if save_tally is not None:
        from envoylogs.tally.storage import save_tally as save

        with replaced_file(save_tally) as beside:
            save(tally, beside)
    if output is None and output_format is Format.TEXT and sys.stdout.isatty():
        screen = ScreenText()
        renderer.render(summary, screen)
        show(screen.getvalue())
    else:
        with output_file(output) as out:
            renderer.render(summary, out)
    say_what_was_covered(summary, time.monotonic() - started, new)
    say_if_tailed(summary.accounts)
    for error in incomplete:
        say_error(error)
    if stop.requested:
        raise typer.Exit(Exit.INTERRUPTED)
    if strict:
        refuse_malformed(summary.accounts, new)
    if no_log_named or incomplete:
        raise typer.Exit(Exit.ERROR)


def named_sources(words: list[str] | None) -> list[Source]:
    """Return the sources that a command was given; a pipe if none was named.

    Raises:
        SourceError: If one of them does not exist.
        typer.Exit: If none was named and standard input is a terminal.
    """
    from envoylogs.sources.locate import locate

    if not words:
        if sys.stdin.isatty():
            say("Usage: envoylogs summarize [OPTIONS] [SOURCE]...")
            say("Name a log file, or pipe one in: kubectl logs ... | envoylogs summarize")
            raise typer.Exit(Exit.USAGE)
        words = ["-"]
    return locate(words)


def _say_the_window_of_nothing(tally: Tally, selection: Selection) -> None:
    """End with an error if there are records and none was selected.

    Raises:
        EmptySelectionError: With the window of the log, or with the roles of
            the records if none is a gateway's.
    """
    from envoylogs.summary.accounts import accounts

    if tally.traffic.frame.height:
        return
    lines = accounts(tally)
    if not selection:
        if lines.roles_left_out:
            raise EmptySelectionError.other_roles(lines.records, lines.roles_left_out)
    elif lines.records:
        first, last = lines.sources["first"].min(), lines.sources["last"].max()
        covered = window(*(time if isinstance(time, int) else None for time in (first, last)))
        raise EmptySelectionError.of(selection.text, lines.records, covered)
