"""``envoylogs report``: one offline HTML page whose filters count again."""

from __future__ import annotations

import sys

import typer

from envoylogs.cli.anonymizing import anonymizer_of
from envoylogs.cli.console import output_file, refuse_to_overwrite
from envoylogs.cli.ending import Ending, refuse_nothing
from envoylogs.cli.incremental import refuse_to_forget, refuse_uncounted_ids
from envoylogs.cli.interrupt import stopped_by_interrupt
from envoylogs.cli.options import (
    AnonymizeOption,
    MapOption,
    MaxLatencyRowsOption,
    MaxNamesOption,
    MaxPageRowsOption,
    OutputOption,
    RejectsOption,
    ShowQueryOption,
    SourcesArgument,
    StrictOption,
    TextFormatOption,
)
from envoylogs.cli.remembering import Limits
from envoylogs.cli.selecting import SelectionOptions, selected, with_selection
from envoylogs.cli.settings import ShowConfigOption, field_keys
from envoylogs.cli.show_config import print_config
from envoylogs.cli.tallying import Tallying
from envoylogs.cli.text_format import parsed_text_format
from envoylogs.cli.wanted import named_sources

__all__ = ["report"]


@with_selection
def report(  # noqa: PLR0913, PLR0917  # one parameter an option
    context: typer.Context,
    selection: SelectionOptions,
    sources: SourcesArgument = None,
    output: OutputOption = None,
    text_format: TextFormatOption = None,
    mapped: MapOption = None,  # noqa: ARG001  # field_keys has it, with what files say
    strict: StrictOption = False,
    rejects: RejectsOption = None,
    show_query: ShowQueryOption = False,
    anonymize: AnonymizeOption = False,
    max_names: MaxNamesOption = None,
    max_latency_rows: MaxLatencyRowsOption = None,
    max_joint_rows: MaxPageRowsOption = None,
    show_config: ShowConfigOption = False,
) -> None:
    """Write one HTML page to look into and to send to others: no network, filters that work.

    It opens by a double click. Findings come first; filters by time, host,
    path, outcome, code, cluster, upstream host and gateway count everything
    again in the page.

    \b
    envoylogs report gateway.log -o report.html
    kubectl logs -n istio-system deploy/istio-ingressgateway | envoylogs report -o report.html
    envoylogs report logs/ --last 1h --anonymize -o report.html
    """  # noqa: D301  # \b keeps the lines of the examples
    if show_config:
        print_config(context)
        return
    from envoylogs.pipeline import Reading
    from envoylogs.summary.slices import SLICE_COLUMNS, SLICE_ROWS
    from envoylogs.summary.summary import summarize as summary_of

    if output is None and sys.stdout.isatty():
        raise typer.BadParameter("a page is no text for a terminal; give -o report.html")
    limits = Limits(
        (),
        max_names,
        max_latency_rows,
        show_query,
        joint=SLICE_COLUMNS,
        max_joint_rows=max_joint_rows,
        usual_joint_rows=SLICE_ROWS,
    )
    keys = field_keys(context)
    form = parsed_text_format(context, text_format, keys)
    located = named_sources(sources, "report -o report.html")
    anonymizer = anonymizer_of(anonymize, rejects=rejects)
    ending = Ending(located, strict, anonymizer)
    refuse_uncounted_ids(located, selection)
    refuse_to_overwrite(located, (output, rejects))
    refuse_to_forget((output, rejects))
    with (
        selected(selection, located, text_format=form, keys=keys) as (wanted, kept),
        stopped_by_interrupt() as stop,
    ):
        reading = Reading(
            selection=wanted, text_format=form, keys=keys, stop=stop, anonymizer=anonymizer
        )
        tally, _ = Tallying(reading, rejects).tally(kept, limits, None)
    refuse_nothing(tally, wanted)
    summary = summary_of(tally, complete=not stop.requested)
    ending.check(summary.accounts)

    from envoylogs.render.html.page import HtmlRenderer

    with output_file(output) as out:
        HtmlRenderer().render(summary, out)
    ending.end(summary, interrupted=stop.requested)
