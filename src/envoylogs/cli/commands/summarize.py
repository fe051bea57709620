"""``envoylogs summarize``: the answer, and every number behind it."""

from __future__ import annotations

import sys

import typer

from envoylogs.cli.anonymizing import anonymizer_of
from envoylogs.cli.console import (
    output_file,
    refuse_to_overwrite,
    replaced_file,
)
from envoylogs.cli.ending import Ending, refuse_nothing
from envoylogs.cli.incremental import lock_of, refuse_to_forget, sources_for_state
from envoylogs.cli.interrupt import stopped_by_interrupt
from envoylogs.cli.notes import say_where_connections_are
from envoylogs.cli.options import (
    AnonymizeOption,
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
from envoylogs.cli.wanted import kept_span, named_sources, wanted_columns, wanted_table

__all__ = ["summarize"]


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
    anonymize: AnonymizeOption = False,
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
    from envoylogs.summary.summary import summarize as summary_of
    from envoylogs.summary.tables import ASKED, JOINT

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
    located = sources_for_state(named_sources(sources, "summarize"), state, selection)
    anonymizer = anonymizer_of(anonymize, state=state, rejects=rejects)
    ending = Ending(located, strict, anonymizer)
    own = () if state is None else (state, lock_of(state))
    refuse_to_overwrite(located, (output, save_tally, rejects, *own))
    refuse_to_forget((output, save_tally, rejects))
    with (
        selected(selection, located, text_format=form, keys=keys) as (wanted, kept),
        stopped_by_interrupt() as stop,
    ):
        reading = Reading(
            selection=wanted, text_format=form, keys=keys, stop=stop, anonymizer=anonymizer
        )
        tallying = Tallying(reading, rejects)
        tally, new = tallying.tally(kept, limits, state, (output, save_tally, rejects))
    refuse_nothing(tally, wanted)
    summary = summary_of(
        tally,
        complete=not stop.requested,
        by=columns,
        names_in_metrics=names_in_metrics(output_format, limit),
    )
    ending.check(summary.accounts)
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
    if output_format in {Format.CSV, Format.NDJSON} or shown != ASKED:
        say_where_connections_are(summary, shown)
    ending.end(summary, interrupted=stop.requested, new=new)
