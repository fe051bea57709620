"""``envoylogs summarize``: the answer, and every number behind it."""

from __future__ import annotations

import typer

from envoylogs.cli import options
from envoylogs.cli.engines import EngineOption, GivenEngine, SchedulerOption, WorkersOption
from envoylogs.cli.files import Files, format_of
from envoylogs.cli.finding import lines_command
from envoylogs.cli.log_options import LogOptions, reads_logs
from envoylogs.cli.memory import TIME, Memory, kept_span
from envoylogs.cli.mesh import ConfigOption, SuppressOption, given_mesh
from envoylogs.cli.notes import say_how_wide, say_where_connections_are
from envoylogs.cli.pager import shown_or_written
from envoylogs.cli.renderers import (
    columns_among,
    names_in_metrics,
    order_of,
    refuse_unsortable,
    table_alone,
    writer_of,
)
from envoylogs.cli.session import Session
from envoylogs.cli.settings import origin_of
from envoylogs.cli.sharing import say_what_is_shown
from envoylogs.outputs import replaced_file


@reads_logs
def summarize(  # noqa: PLR0913, PLR0917  # one parameter an option
    log: LogOptions,
    sources: options.SourcesArgument = None,
    config: ConfigOption = None,
    suppress: SuppressOption = None,
    output_format: options.FormatOption = options.Format.TEXT,
    table: options.TableOption = None,
    by: options.ByOption = None,
    every: options.EveryOption = None,
    sort: options.SortOption = None,
    limit: options.LimitOption = None,
    output: options.OutputOption = None,
    save_tally: options.SaveTallyOption = None,
    strict: options.StrictOption = False,
    rejects: options.RejectsOption = None,
    show_query: options.ShowQueryOption = False,
    state: options.StateOption = None,
    keep_last: options.KeepLastOption = None,
    max_names: options.MaxNamesOption = None,
    max_latency_rows: options.MaxLatencyRowsOption = None,
    joint: options.JointOption = None,
    max_joint_rows: options.MaxJointRowsOption = None,
    color: options.ColorOption = options.When.AUTO,
    engine: EngineOption = None,
    scheduler: SchedulerOption = None,
    workers: WorkersOption = None,
) -> None:
    """Say what is wrong at the gateway, whose fault it is and what to do next.

    Findings come first, then totals, the ledger of 404s, the split per subset
    and tables by authority, route, code, cluster, outcome and more.

    \b
    kubectl logs -n istio-system deploy/istio-ingressgateway | envoylogs
    envoylogs summarize gateway.log --format json | jq .findings
    envoylogs summarize gateway.log --config mesh.yaml
    envoylogs summarize gateway.log --host shop.example.com --since 14:05
    envoylogs summarize gateway.log --by method,path_group --code 5xx
    envoylogs summarize gateway.log --host shop.example.com --by path_group --sort p99
    envoylogs summarize week.tally --every 1d --format csv
    """  # noqa: D301  # \b keeps the lines of the examples
    from envoylogs.schema import COUNTABLE
    from envoylogs.summary.tables import ASKED, JOINT, TIMELINE

    is_given = origin_of(log.context, "format") is not None
    output_format = format_of(output, output_format, is_given=is_given)
    columns = columns_among(by, COUNTABLE, "column to count by")
    buckets = log.buckets(every)
    order = order_of(sort)
    shown = table_alone(
        output_format, table, columns, by_time=buckets is not None, is_sorted=order is not None
    )
    if buckets is not None and (columns or table is None):
        columns = tuple(dict.fromkeys((TIME, *columns)))
    counted_by = GivenEngine(engine, scheduler, workers)
    if state is not None and counted_by.is_elsewhere:
        raise typer.BadParameter("--state reads logs in order, and workers do not; leave one out")
    files = Files(output, save_tally, rejects, state)
    mesh = given_mesh(config, sources, log, files)
    memory = Memory(
        columns,
        max_names,
        max_latency_rows,
        show_query if origin_of(log.context, "show_query") else None,
        kept_span(state, keep_last),
        columns_among(joint, COUNTABLE, "column to count by"),
        max_joint_rows,
        needs_joint=shown == JOINT,
        buckets=buckets,
        turned_away=() if mesh is None else mesh.turned_away,
    )
    with Session(
        log, sources, "summarize", files=files, strict=strict, engine=counted_by
    ) as session:
        tally = session.tally(memory)
        if columns == (TIME,) and TIME not in tally.spec.by:
            # A saved tally, or a state, whose timeline is what it has over time.
            columns, shown = (), shown and TIMELINE
        summary = session.summary(
            tally,
            by=columns,
            buckets=buckets,
            sort=order,
            names_in_metrics=names_in_metrics(output_format, limit),
            mesh=mesh,
            suppress=suppress or (),
        )
        if order is not None and shown is not None:
            refuse_unsortable(summary, shown, order)
        if save_tally is not None:
            from envoylogs.tally.storage import save_tally as save

            with replaced_file(save_tally) as beside:
                save(tally, beside)
        lines = None
        if output_format is options.Format.TEXT and shown in {None, "findings"}:
            lines = lines_command(log, session.located, session.origin["selection"])
        write = writer_of(
            output_format, shown, limit, color, by_time=buckets is not None, lines=lines
        )
        is_text = output_format is options.Format.TEXT
        with shown_or_written(output, is_text=is_text) as out:
            write(summary, out)
        say_what_is_shown(summary, log)
        if buckets is not None:
            say_how_wide(summary, buckets, shown)
        if output_format in {options.Format.CSV, options.Format.NDJSON} or shown != ASKED:
            say_where_connections_are(summary, shown)
