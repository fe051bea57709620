"""The options of every command that reads logs, declared once."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, dataclass, fields, replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer  # noqa: TC002  # typer reads the annotations

from envoylogs.cli.completion import one_of, outcomes, roles
from envoylogs.cli.options import WHICH, AnonymizeOption, MapOption, TextFormatOption, option
from envoylogs.cli.settings import ShowConfigOption, origin_of, print_config
from envoylogs.errors import TextFormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from envoylogs.envoy.field_keys import FieldKeys
    from envoylogs.envoy.text_formats import TextFormat
    from envoylogs.keyed.plan import ReadPlan
    from envoylogs.keyed.selection import Selection
    from envoylogs.sources.source import Source


_glob = partial(option, about=WHICH, metavar="GLOB")
_which = partial(option, about=WHICH)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """What was given on the command line; each field but the context is an option.

    Attributes:
        context: Of the command, with its settings.
    """

    context: typer.Context

    host: Annotated[
        list[str] | None,
        _glob("--host", help="Only this host (* and ? match; - is missing). Repeat for several."),
    ] = None
    path: Annotated[
        list[str] | None, _glob("--path", help="Only this path, without its query.")
    ] = None
    code: Annotated[
        list[str] | None, _glob("--code", help="Only this response code: 404, 5xx, 0.")
    ] = None
    outcome: Annotated[
        list[str] | None,
        _glob(
            "--outcome",
            help="Only this outcome, or unrouted, or error.",
            autocompletion=one_of(outcomes),
        ),
    ] = None
    subset: Annotated[list[str] | None, _glob("--subset", help="Only this subset.")] = None
    route: Annotated[list[str] | None, _glob("--route", help="Only this route_name.")] = None
    cluster: Annotated[list[str] | None, _glob("--cluster", help="Only this upstream_cluster.")] = (
        None
    )
    client: Annotated[list[str] | None, _glob("--client", help="Only this client address.")] = None
    gateway: Annotated[list[str] | None, _glob("--gateway", help="Only this gateway.")] = None
    role: Annotated[
        list[str] | None,
        _which(
            "--role", metavar="ROLE", autocompletion=one_of(roles),
            help="Records of proxies of this role: gateway (the default), egress, sidecar, "
            "waypoint, all. Repeat for several.",
        ),
    ] = None  # fmt: skip
    distinct_requests: Annotated[
        bool,
        _which(
            "--distinct-requests",
            help="Count a request once that several proxies or copies of a log hold, by its "
            "request_id.",
        ),
    ] = False  # fmt: skip
    where: Annotated[
        str | None,
        _which(
            "--where",
            metavar="SQL",
            help="Only records for which this SQL condition on columns holds.",
        ),
    ] = None
    since: Annotated[
        str | None,
        _which("--since", metavar="TIME", help="From this time on: RFC 3339, 14:05, or -15m."),
    ] = None
    until: Annotated[str | None, _which("--until", metavar="TIME", help="Before this time.")] = None
    last: Annotated[
        str | None,
        _which(
            "--last",
            metavar="SPAN",
            help="Only this long before the newest record: 15m. Reads twice.",
        ),
    ] = None
    text_format: TextFormatOption = None
    mapped: MapOption = None
    anonymize: AnonymizeOption = False
    show_config: ShowConfigOption = False

    def selection(self, now: datetime) -> Selection:
        """Return which records are selected, but for ``--last``.

        Raises:
            SelectionError: If an option can't be read.
        """
        from envoylogs.keyed.moments import time_of
        from envoylogs.keyed.selection import COLUMN_OF, Selection

        since, until = (
            None if text is None else time_of(option, text, now)
            for option, text in (("--since", self.since), ("--until", self.until))
        )
        return Selection.of(
            {word: getattr(self, word) or () for word in COLUMN_OF},
            where=self.where,
            since_us=since,
            until_us=until,
            roles=self.role or (),
            distinct=self.distinct_requests,
        )

    def until_the_newest(self, plan: ReadPlan, sources: Sequence[Source]) -> ReadPlan:
        """Return a plan with the window of ``--last``, for which the sources are read.

        Raises:
            SelectionError: If it is no span.
            TallyError: If a source is a saved tally, from which no time can be selected.
        """
        if self.last is None:
            return plan
        from envoylogs.keyed.moments import EARLIEST_US, span_of
        from envoylogs.records import newest_time

        span_us = span_of("--last", self.last)
        newest = newest_time(sources, plan)
        # Without times nothing is in the window, not even where it reaches before the calendar.
        start = EARLIEST_US if newest is None else max(newest - span_us, EARLIEST_US)
        selection = plan.selection
        since = start if selection.since_us is None else max(start, selection.since_us)
        return replace(plan, selection=replace(selection, since_us=since))

    def parsed_text_format(self, keys: FieldKeys) -> TextFormat | None:
        """Return the format of ``--text-format``, taken apart.

        Raises:
            TextFormatError: If no line can be read by it; says where it was set.
        """
        if self.text_format is None:
            return None
        from envoylogs.envoy.text_formats import parse_format

        try:
            return parse_format(self.text_format, keys)
        except TextFormatError as error:
            origin = origin_of(self.context, "text_format") or "--"
            raise (
                error if origin.startswith("--") else TextFormatError(f"{origin}: {error}")
            ) from None


def reads_logs(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of ``LogOptions`` as its parameter ``log``."""
    hints = get_type_hints(LogOptions, include_extras=True)
    signature = inspect.signature(command, eval_str=True)
    own = [p for name, p in signature.parameters.items() if name != "log"]
    added = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(LogOptions)
    ]

    @wraps(command)
    def wrapper(**given: Any) -> None:  # noqa: ANN401  # whatever typer read
        log = LogOptions(**{field.name: given.pop(field.name) for field in fields(LogOptions)})
        if log.show_config:
            print_config(log.context)
        else:
            command(log, **given)

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *added)]
    wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapper
