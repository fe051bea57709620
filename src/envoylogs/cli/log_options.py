"""The options of every command that reads logs, declared once."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property, partial, wraps
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer  # noqa: TC002  # typer reads the annotations

from envoylogs.cli.completion import findings, one_of, outcomes, roles, zones
from envoylogs.cli.options import (
    WHICH,
    AnonymizeOption,
    HideNamesOption,
    HideRarePathsOption,
    MapOption,
    TextFormatOption,
    option,
)
from envoylogs.cli.settings import ShowConfigOption, origin_of, print_config
from envoylogs.errors import TextFormatError
from envoylogs.keyed.zones import name_of, zone_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, tzinfo

    from envoylogs.envoy.field_keys import FieldKeys
    from envoylogs.envoy.text_formats import TextFormat
    from envoylogs.keyed.moments import GivenWindow
    from envoylogs.keyed.plan import ReadPlan
    from envoylogs.keyed.selection import Selection
    from envoylogs.sources.source import Source
    from envoylogs.tally.ladder import Buckets


_glob = partial(option, about=WHICH, metavar="GLOB")
_which = partial(option, about=WHICH)


@dataclass(frozen=True, kw_only=True)
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
        _which(
            "--since", metavar="TIME",
            help="From this time on: RFC 3339, 14:05 (of the log's last day that has it), or -15m.",
        ),
    ] = None  # fmt: skip
    until: Annotated[str | None, _which("--until", metavar="TIME", help="Before this time.")] = None
    last: Annotated[
        str | None,
        _which(
            "--last",
            metavar="SPAN",
            help="Only this long before the newest record: 15m. Reads twice.",
        ),
    ] = None
    finding: Annotated[
        str | None,
        _which(
            "--finding", metavar="N", autocompletion=one_of(findings),
            help="Only what this finding of summarize counts: its number, or its code for all of "
            "them. Reads twice.",
        ),
    ] = None  # fmt: skip
    timezone: Annotated[
        str | None,
        _which(
            "--timezone", metavar="ZONE", is_setting=True, autocompletion=one_of(zones),
            help="Times are of this zone, given and shown: Europe/Berlin. UTC without it.",
        ),
    ] = None  # fmt: skip
    local: Annotated[bool, _which("--local", help="Times are of this machine's zone.")] = False
    text_format: TextFormatOption = None
    mapped: MapOption = None
    anonymize: AnonymizeOption = False
    hide_rare_paths: HideRarePathsOption = False
    hide_names: HideNamesOption = False
    show_config: ShowConfigOption = False

    @cached_property
    def zone(self) -> tzinfo:
        """Whose clock times are of that are given and shown.

        Raises:
            SelectionError: If there is no such zone.
        """
        return zone_of(self.timezone, local=self.local)

    def selection(self, now: datetime) -> tuple[Selection, GivenWindow]:
        """Return which records are selected, but for times that the log decides; and these.

        Raises:
            SelectionError: If an option can't be read.
        """
        from envoylogs.keyed.moments import GivenWindow, moment_of
        from envoylogs.keyed.patterns import COLUMN_OF
        from envoylogs.keyed.selection import Selection

        since, until = (
            None if text is None else moment_of(option, text, now, self.zone)
            for option, text in (("--since", self.since), ("--until", self.until))
        )
        window = GivenWindow(since, until, self.zone)
        # Times of day that have their day from the other end.
        fixed = (None, None) if window.is_of_the_log else window.around(0, 0)
        selection = Selection.of(
            {word: getattr(self, word) or () for word in COLUMN_OF},
            where=self.where,
            since_us=fixed[0],
            until_us=fixed[1],
            roles=self.role or (),
            distinct=self.distinct_requests,
        )
        return selection, window

    def decided_by_the_log(self, window: GivenWindow) -> list[str]:
        """Return the options for which the log itself says what is selected or hidden.

        It is read twice for them.
        """
        asked = {
            "--last": self.last is not None,
            self._times: window.is_of_the_log,
            "--finding": self.finding is not None,
            "--hide-rare-paths": self.hide_rare_paths,
        }
        return [option for option, is_given in asked.items() if is_given]

    def decided(self, plan: ReadPlan, window: GivenWindow, sources: Sequence[Source]) -> ReadPlan:
        """Return a plan with what the log itself says: its window, its finding, usual words.

        Args:
            plan: How the sources are read, and what else is selected.
            window: As it was given.
            sources: Each can be read again.

        Raises:
            SelectionError: If ``--last`` is no span, or there is no such finding.
            TallyError: If a source is a saved tally, from which nothing can be selected.
        """
        if self.last is not None or window.is_of_the_log:
            plan = self._in_window(plan, window, sources)
        if self.finding is not None:
            from envoylogs.cli.finding import of_finding

            plan = of_finding(self.finding, sources, plan)
        if self.hide_rare_paths and plan.anonymizer is not None:
            from envoylogs.records import usual_words

            words = usual_words(sources, plan)
            plan = replace(plan, anonymizer=plan.anonymizer.showing(words))
        return plan

    def _in_window(
        self, plan: ReadPlan, window: GivenWindow, sources: Sequence[Source]
    ) -> ReadPlan:
        from envoylogs.keyed.moments import EARLIEST_US, span_of
        from envoylogs.records import times_of

        asked = f"--last {self.last}" if self.last is not None else self._times
        span_us = None if self.last is None else span_of("--last", self.last)
        found = times_of(sources, plan, asked)
        selection = plan.selection
        if window.is_of_the_log:
            # Without times nothing is in the window, wherever it is.
            selection = selection.within(*window.around(*found or (0, 0)))
        if span_us is not None:
            start = EARLIEST_US if found is None else max(found[1] - span_us, EARLIEST_US)
            since = start if selection.since_us is None else max(start, selection.since_us)
            selection = selection.within(since, None)
        return replace(plan, selection=selection)

    @property
    def _times(self) -> str:
        given = {"--since": self.since, "--until": self.until}
        return " ".join(f"{option} {text}" for option, text in given.items() if text is not None)

    def buckets(self, every: str | None) -> Buckets | None:
        """Return the buckets of time of ``--every``; null without it.

        Raises:
            SelectionError: If it is no span, or none of whole seconds.
        """
        if every is None:
            return None
        from envoylogs.tally.ladder import Buckets

        return Buckets.of("--every", every, name_of(self.zone))

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
