"""``--config``: the mesh's configuration, as it was named."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from envoylogs.cli.completion import one_of, suppressible
from envoylogs.cli.console import refuse_to_overwrite, say
from envoylogs.cli.options import READ, SHOW, Format, format_option, option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.cli.files import Files
    from envoylogs.cli.log_options import LogOptions
    from envoylogs.mesh.mesh import Mesh

ConfigOption = Annotated[list[str] | None, option(
    "--config", "-c", about=READ, metavar="FILE",
    help="What the mesh was told: route, listener or cluster dumps of istioctl proxy-config -o "
    "json, Envoy's config_dump, kubectl get -o yaml; files, folders, globs, or - for a pipe. "
    "Repeat for several.",
)]  # fmt: skip
SuppressOption = Annotated[list[str] | None, option(
    "--suppress", metavar="CODE[:HOST]", autocompletion=one_of(suppressible),
    help="Leave out this cause or finding, everywhere or for a host (a glob). Repeat for several.",
)]  # fmt: skip

ExplainFormatOption = Annotated[Format, format_option(
    about=SHOW, is_setting=True,
    help="text for people, json for programs, markdown to paste into a ticket.",
)]  # fmt: skip

_PIPE = "-"


def given_mesh(
    config: Sequence[str] | None, sources: Sequence[str] | None, log: LogOptions, files: Files
) -> Mesh | None:
    """Return the configuration that was given; null for none.

    Args:
        config: Of ``--config``.
        sources: As they were given.
        log: What else was given.
        files: What the command writes.

    Raises:
        MeshFileError: If a file can't be read as configuration.
        typer.BadParameter: If log and configuration are both to come through the pipe, or
            names are to be replaced by tokens.
        OutputError: If a file of the configuration would be written over.
    """
    if not config:
        return None
    if log.anonymize:
        raise typer.BadParameter(
            "--config with --anonymize: tokens can't be looked up in a configuration. Anonymize "
            "what is shared without it"
        )
    if _PIPE in config and (not sources or _PIPE in sources):
        raise typer.BadParameter("only one of log and configuration can come through a pipe (-)")
    from envoylogs.mesh.documents import located, read_configuration
    from envoylogs.mesh.mesh import Mesh

    state = [] if files.state is None else [files.state]
    refuse_to_overwrite(located(config), (*files.replaced, *state), "files")
    mesh = Mesh(read_configuration(list(config), sys.stdin.buffer if _PIPE in config else None))
    for warning in mesh.configuration.warnings:
        say(f"envoylogs: {warning}")
    return mesh
