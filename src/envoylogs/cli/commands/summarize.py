"""``envoylogs summarize``: the answer, and every number behind it."""

from __future__ import annotations

import sys

from envoylogs.cli import options
from envoylogs.cli.console import output_file
from envoylogs.cli.files import Files
from envoylogs.cli.log_options import LogOptions, reads_logs
from envoylogs.cli.memory import Memory, kept_span
from envoylogs.cli.notes import say_where_connections_are
from envoylogs.cli.pager import ScreenText, show
from envoylogs.cli.renderers import columns_among, names_in_metrics, table_alone, writer_of
from envoylogs.cli.session import Session
from envoylogs.cli.settings import origin_of
from envoylogs.outputs import replaced_file


@reads_logs
def summarize(  # noqa: PLR0913, PLR0917  # one parameter an option
    log: LogOptions,
    sources: options.SourcesArgument = None,
    output_format: options.FormatOption = options.Format.TEXT,
    table: options.TableOption = None,
    by: options.ByOption = None,
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
    from envoylogs.schema import COUNTABLE
    from envoylogs.summary.tables import ASKED, JOINT

    columns = columns_among(by, COUNTABLE, "column to count by")
    shown = table_alone(output_format, table, columns)
    write = writer_of(output_format, shown, limit, color)
    memory = Memory(
        columns,
        max_names,
        max_latency_rows,
        show_query if origin_of(log.context, "show_query") else None,
        kept_span(state, keep_last),
        columns_among(joint, COUNTABLE, "column to count by"),
        max_joint_rows,
        needs_joint=shown == JOINT,
    )
    files = Files(output, save_tally, rejects, state)
    with Session(log, sources, "summarize", files=files, strict=strict) as session:
        tally = session.tally(memory)
        summary = session.summary(
            tally,
            by=columns,
            names_in_metrics=names_in_metrics(output_format, limit),
        )
        if save_tally is not None:
            from envoylogs.tally.storage import save_tally as save

            with replaced_file(save_tally) as beside:
                save(tally, beside)
        if output is None and output_format is options.Format.TEXT and sys.stdout.isatty():
            screen = ScreenText()
            write(summary, screen)
            show(screen.getvalue())
        else:
            with output_file(output) as out:
                write(summary, out)
        if output_format in {options.Format.CSV, options.Format.NDJSON} or shown != ASKED:
            say_where_connections_are(summary, shown)
