"""``envoylogs report``: one offline HTML page whose filters count again."""

from __future__ import annotations

import sys
from datetime import UTC

import typer

from envoylogs.cli import options
from envoylogs.cli.console import output_file
from envoylogs.cli.engines import EngineOption, GivenEngine, SchedulerOption, WorkersOption
from envoylogs.cli.files import Files, refuse_what_is_no_page
from envoylogs.cli.log_options import LogOptions, reads_logs
from envoylogs.cli.memory import Memory
from envoylogs.cli.mesh import ConfigOption, SuppressOption, given_mesh
from envoylogs.cli.session import Session
from envoylogs.cli.sharing import say_what_is_shown
from envoylogs.render.formatting import show_times_in


@reads_logs
def report(  # noqa: PLR0913, PLR0917  # one parameter an option
    log: LogOptions,
    sources: options.SourcesArgument = None,
    config: ConfigOption = None,
    suppress: SuppressOption = None,
    output: options.OutputOption = None,
    strict: options.StrictOption = False,
    rejects: options.RejectsOption = None,
    show_query: options.ShowQueryOption = False,
    max_names: options.MaxNamesOption = None,
    max_latency_rows: options.MaxLatencyRowsOption = None,
    max_joint_rows: options.MaxPageRowsOption = None,
    engine: EngineOption = None,
    scheduler: SchedulerOption = None,
    workers: WorkersOption = None,
) -> None:
    """Write one HTML page to look into and to send to others: no network, filters that work.

    It opens by a double click. Findings come first; filters by time, host,
    path, outcome, code, cluster, upstream host and gateway count everything
    again in the page.

    \b
    envoylogs report gateway.log -o report.html
    kubectl logs -n istio-system deploy/istio-ingressgateway | envoylogs report -o report.html
    envoylogs report gateway.log --config mesh.yaml -o report.html
    envoylogs report logs/ --last 1h --anonymize -o report.html
    """  # noqa: D301  # \b keeps the lines of the examples
    from envoylogs.summary.slices import SLICE_COLUMNS, SLICE_ROWS

    if output is None and sys.stdout.isatty():
        raise typer.BadParameter("a page is no text for a terminal; give -o report.html")
    refuse_what_is_no_page(output)
    counted_by = GivenEngine(engine, scheduler, workers)
    files = Files(output, rejects=rejects)
    mesh = given_mesh(config, sources, log, files)
    memory = Memory(
        (),
        max_names,
        max_latency_rows,
        show_query,
        joint=SLICE_COLUMNS,
        max_joint_rows=max_joint_rows,
        usual_joint_rows=SLICE_ROWS,
        turned_away=() if mesh is None else mesh.turned_away,
    )
    with Session(
        log, sources, "report -o report.html", files=files, strict=strict, engine=counted_by
    ) as session:
        summary = session.summary(session.tally(memory), mesh=mesh, suppress=suppress or ())
        # Its scripts know UTC alone.
        show_times_in(UTC)

        from envoylogs.render.html.page import write_page

        with output_file(output) as out:
            write_page(summary, out)
        say_what_is_shown(summary, log)
