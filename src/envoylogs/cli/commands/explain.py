"""``envoylogs explain``: why each request was turned away, and the change to make."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from envoylogs.cli import options
from envoylogs.cli.engines import EngineOption, GivenEngine, SchedulerOption, WorkersOption
from envoylogs.cli.files import Files, format_of
from envoylogs.cli.log_options import LogOptions, reads_logs
from envoylogs.cli.memory import Memory
from envoylogs.cli.mesh import ConfigOption, ExplainFormatOption, SuppressOption, given_mesh
from envoylogs.cli.pager import shown_or_written
from envoylogs.cli.session import Session
from envoylogs.cli.settings import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from envoylogs.summary.summary import Summary

_FORMATS = (options.Format.TEXT, options.Format.JSON, options.Format.MARKDOWN)


@reads_logs
def explain(  # noqa: PLR0913, PLR0917  # one parameter an option
    log: LogOptions,
    sources: options.SourcesArgument = None,
    config: ConfigOption = None,
    suppress: SuppressOption = None,
    output_format: ExplainFormatOption = options.Format.TEXT,
    limit: options.LimitOption = None,
    output: options.OutputOption = None,
    strict: options.StrictOption = False,
    max_names: options.MaxNamesOption = None,
    color: options.ColorOption = options.When.AUTO,
    engine: EngineOption = None,
    scheduler: SchedulerOption = None,
    workers: WorkersOption = None,
) -> None:
    """Say why the gateway turned requests away, prove it, and print the change to make.

    The configuration is compared as Envoy compares it: hosts, ports, paths,
    methods, headers as far as the log holds them. Without --config the causes
    that the log allows are listed, each with the command that decides.

    \b
    kubectl get gateways.networking.istio.io,virtualservices -A -o yaml > mesh.yaml
    envoylogs explain gateway.log --config mesh.yaml
    istioctl proxy-config all deploy/istio-ingressgateway -n istio-system -o json > dump.json
    envoylogs explain gateway.log --config mesh.yaml --config dump.json
    envoylogs explain gateway.log --config mesh.yaml --host shop.example.com --format markdown
    """  # noqa: D301  # \b keeps the lines of the examples
    is_given = origin_of(log.context, "format") is not None
    output_format = format_of(output, output_format, is_given=is_given)
    if output_format not in _FORMATS:
        allowed = ", ".join(_FORMATS)
        raise typer.BadParameter(f"--format {output_format}: explanations are {allowed}")
    if log.anonymize:
        raise typer.BadParameter("--anonymize: what is explained is known by its name")
    counted_by = GivenEngine(engine, scheduler, workers)
    files = Files(output)
    mesh = given_mesh(config, sources, log, files)
    asked = ("path",) if mesh is None else mesh.turned_away
    memory = Memory((), max_names, None, None, turned_away=asked)
    with Session(log, sources, "explain", files=files, strict=strict, engine=counted_by) as session:
        summary = session.summary(session.tally(memory), mesh=mesh, suppress=suppress or ())
        write = _writer(output_format, limit, color)
        is_text = output_format is options.Format.TEXT
        with shown_or_written(output, is_text=is_text) as out:
            write(summary, out)


def _writer(
    output_format: options.Format, limit: int | None, color: options.When
) -> Callable[[Summary, TextIO], None]:
    """Return what writes explanations; 0 is no limit, null what is usual."""
    rows = limit or None
    if output_format is options.Format.JSON:
        from envoylogs.render.explained_json import write_explanations

        return partial(write_explanations, limit=rows)
    if output_format is options.Format.MARKDOWN:
        from envoylogs.render.explained_markdown import write_explained_markdown

        return partial(write_explained_markdown, limit=rows)
    from envoylogs.render.terminal.explained import DEFAULT_LIMIT, write_explained_text

    wanted = {options.When.AUTO: None, options.When.ALWAYS: True, options.When.NEVER: False}[color]
    shown = DEFAULT_LIMIT if limit is None else rows
    return partial(write_explained_text, limit=shown, color=wanted)
