"""The options that select records, declared once for every command that reads records."""

from __future__ import annotations

import functools
import inspect
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envoylogs.envoy.field_keys import FieldKeys
    from envoylogs.envoy.text_formats import TextFormat
    from envoylogs.keyed.selection import Selection
    from envoylogs.sources.source import Source

__all__ = ["SelectionOptions", "selected", "with_selection"]

_PANEL = "Selection"


def _glob(name: str, help_text: str) -> Any:  # noqa: ANN401  # what typer.Option returns
    return typer.Option(
        f"--{name}", metavar="GLOB", help=help_text, show_default=False, rich_help_panel=_PANEL
    )


def _text(name: str, metavar: str, help_text: str) -> Any:  # noqa: ANN401  # as above
    return typer.Option(
        f"--{name}", metavar=metavar, help=help_text, show_default=False, rich_help_panel=_PANEL
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionOptions:
    """What was given on the command line; each field is an option."""

    host: Annotated[
        list[str] | None,
        _glob("host", "Only this host (* and ? match; - is missing). Repeat for several."),
    ] = None
    path: Annotated[list[str] | None, _glob("path", "Only this path, without its query.")] = None
    code: Annotated[list[str] | None, _glob("code", "Only this response code: 404, 5xx, 0.")] = None
    outcome: Annotated[
        list[str] | None, _glob("outcome", "Only this outcome, or unrouted, or error.")
    ] = None
    subset: Annotated[list[str] | None, _glob("subset", "Only this subset.")] = None
    route: Annotated[list[str] | None, _glob("route", "Only this route_name.")] = None
    cluster: Annotated[list[str] | None, _glob("cluster", "Only this upstream_cluster.")] = None
    client: Annotated[list[str] | None, _glob("client", "Only this client address.")] = None
    gateway: Annotated[list[str] | None, _glob("gateway", "Only this gateway.")] = None
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role", metavar="ROLE", show_default=False, rich_help_panel=_PANEL,
            help="Records of proxies of this role: gateway (the default), egress, sidecar, "
            "waypoint, all. Repeat for several.",
        ),
    ] = None  # fmt: skip
    distinct_requests: Annotated[
        bool,
        typer.Option(
            "--distinct-requests", show_default=False, rich_help_panel=_PANEL,
            help="Count a request once that several proxies or copies of a log hold, by its "
            "request_id.",
        ),
    ] = False  # fmt: skip
    where: Annotated[
        str | None,
        _text("where", "SQL", "Only records for which this SQL condition on columns holds."),
    ] = None
    since: Annotated[
        str | None, _text("since", "TIME", "From this time on: RFC 3339, 14:05, or -15m.")
    ] = None
    until: Annotated[str | None, _text("until", "TIME", "Before this time.")] = None
    last: Annotated[
        str | None,
        _text("last", "SPAN", "Only this long before the newest record: 15m. Reads twice."),
    ] = None


_OPTIONS = tuple(field.name for field in fields(SelectionOptions))


def with_selection(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a selection, as its keyword ``selection``."""
    hints = get_type_hints(SelectionOptions, include_extras=True)
    signature = inspect.signature(command, eval_str=True)
    own = [p for name, p in signature.parameters.items() if name != "selection"]
    added = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in fields(SelectionOptions)
    ]

    @functools.wraps(command)
    def wrapper(**given: Any) -> None:  # noqa: ANN401  # whatever typer read
        options = SelectionOptions(**{name: given.pop(name) for name in _OPTIONS})
        command(**given, selection=options)

    parameters = [
        *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own),
        *added,
    ]
    wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapper


@contextmanager
def selected(
    options: SelectionOptions,
    sources: list[Source],
    *,
    text_format: TextFormat | None = None,
    keys: FieldKeys,
    read_twice: bool = False,
) -> Iterator[tuple[Selection, list[Source]]]:
    """Return the selection, and the sources to read.

    Args:
        options: As given.
        sources: As located.
        text_format: The user's own format of TEXT lines.
        keys: Which keys hold which columns.
        read_twice: Whether the caller reads the sources more than once, so
            that a pipe must be kept.

    Raises:
        SelectionError: If an option can't be read.
    """
    from envoylogs.keyed.selection import COLUMN_OF, EARLIEST_US, Selection, span_of, time_of

    now = datetime.now(UTC)
    since, until = (
        None if text is None else time_of(option, text, now)
        for option, text in (("--since", options.since), ("--until", options.until))
    )
    selection = Selection.of(
        {word: getattr(options, word) or () for word in COLUMN_OF},
        where=options.where,
        since_us=since,
        until_us=until,
        roles=options.role or (),
        distinct=options.distinct_requests,
    )
    if options.last is None and not read_twice:
        yield selection, sources
        return
    from envoylogs.sources.spool import rereadable

    span_us = None if options.last is None else span_of("--last", options.last)
    with rereadable(sources) as kept:
        if span_us is not None:
            from envoylogs.records import newest_time

            newest = newest_time(kept, text_format=text_format, keys=keys)
            # Without times nothing is in the window, not even where it reaches before the calendar.
            start = EARLIEST_US if newest is None else max(newest - span_us, EARLIEST_US)
            if since is None or start > since:
                selection = replace(selection, since_us=start)
        yield selection, kept
