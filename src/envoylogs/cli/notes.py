"""What is said on standard error of a run: sources that are no logs, and what was covered."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from envoylogs.cli.console import say, say_error
from envoylogs.errors import EmptySelectionError, IncompleteSourceError, LogFormatError
from envoylogs.reading.fates import REASONS
from envoylogs.render.caveats import folded_of, map_option, reasons_of, untimed_left_out
from envoylogs.render.formatting import printable, size, span, window
from envoylogs.summary.in_words import counted

if TYPE_CHECKING:
    from envoylogs.cli.state import NewLines
    from envoylogs.keyed.selection import Selection
    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.summary import Summary
    from envoylogs.tally.ladder import Buckets
    from envoylogs.tally.tally import Tally

_PACKED = (".gz", ".zst", ".bz2", ".xz")

_SHOWN = 100
_MOST_UNPRINTABLE = 0.2
"""Which share of what is shown of a line may be unprintable: less is in texts with colors, more is
in pictures and programs."""

_TAIL = 10
"""How many lines of each pod ``kubectl logs`` gives with a selector, unless asked for more."""

_KEYS_NAMED = 12
"""How many keys of JSON that is no record are named."""

_WORTH_A_RATE = 10_000_000
"""From how many bytes on the speed says something."""


def name_what_is_no_log(accounts: Accounts, named: set[str]) -> bool:
    """Say which sources hold no record; tell whether one of them was asked for by name.

    Raises:
        LogFormatError: If no source at all holds a record and one holds lines.
    """
    without = [
        row
        for row in accounts.sources.iter_rows(named=True)
        if not row["records"] and row["lines"] > row["blank"]
    ]
    asked_for = False
    for row in without:
        name = row["source"]
        examples = accounts.examples.filter(accounts.examples["source"] == name).head(3)
        paths = accounts.wrapped_in.filter(accounts.wrapped_in["source"] == name)["path"]
        shown = "".join(
            f"\n    line {line} ({REASONS.get(reason, 'not JSON of an access record')})"
            + _shown(text)
            for line, reason, text in examples.select("line", "reason", "text").rows()
        )
        tip = _advice_for_wrapped(printable(name), paths[0]) if len(paths) else None
        tip = tip or _advice_for_json(accounts, name)
        error = LogFormatError(
            f"{printable(name)}: no Envoy access record in {counted(row['lines'], 'line')}. "
            "Tried: JSON objects, one a line or pretty-printed, and the TEXT formats of Istio. "
            f"It begins:{shown}\n  {tip or 'A TEXT format of your own is read with --text-format.'}"
        )
        if not accounts.records:
            raise error
        if name in named:
            asked_for = True
            say_error(error)
        else:
            say(f"envoylogs: {printable(name)}: passed over, it holds no access record.")
    return asked_for


def _advice_for_json(accounts: Accounts, source: str) -> str | None:
    """Return what to do with a source that holds JSON and no record; null if it holds text."""
    from envoylogs.summary.unused_keys import keys_that_make_records

    of_source = accounts.other_keys.filter(accounts.other_keys["source"] == source)
    keys = of_source["key"].to_list()
    examples = accounts.examples.filter(accounts.examples["source"] == source)
    if not keys and examples.height and examples["text"].is_null().all():
        return "Run without --anonymize, it says how the lines begin and which keys they have."
    if not keys:
        return None
    rest = len(keys) - _KEYS_NAMED
    named = ", ".join(keys[:_KEYS_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")
    mapped = keys_that_make_records(keys)
    if not mapped:
        return (
            f"Its JSON has the keys {named}, as other programs' lines have. Keys of your own "
            "are read with --map COLUMN=KEY."
        )
    return (
        f"Its JSON has the keys {named}. If these are access records, read them with:\n"
        f"    {map_option(mapped)}"
    )


def _advice_for_wrapped(name: str, path: str) -> str:
    """Return how ``jq`` takes records out of other objects, by where they stand in these."""
    # What is in a pipe, or packed, is no file for jq.
    is_file = not name.startswith("<") and not name.endswith(_PACKED)
    file = f" {shlex.quote(name)}" if is_file else ""
    return (
        "Its records are inside other objects. Take them out: "
        f"{'' if is_file else '... | '}jq -r {shlex.quote(path)}{file} | envoylogs"
    )


def _shown(text: str | None) -> str:
    """Return how a line begins, as the end of a sentence; of bytes that are no text only that."""
    if text is None:
        return ""
    beginning = text[:_SHOWN]
    unprintable = sum(not (c.isprintable() or c == "\t") or c == "\ufffd" for c in beginning)
    is_text = unprintable <= _MOST_UNPRINTABLE * len(beginning)
    return f": {printable(beginning) if is_text else 'bytes that are no text'}"


def incomplete_sources(accounts: Accounts) -> list[IncompleteSourceError]:
    """Return what kept a source from being read to its end, for each such source."""
    return [
        IncompleteSourceError.of(printable(source), problem, bytes_read)
        for source, problem, bytes_read in accounts.damaged.iter_rows()
    ]


def _say_if_tailed(accounts: Accounts) -> None:
    """Say that ``kubectl logs`` with a selector gives ten lines a pod, if it looks like that."""
    pods = accounts.gateways.height
    records = accounts.gateways["records"]
    if pods > 1 and accounts.lines == _TAIL * pods and (records <= _TAIL).all():
        say(
            f"envoylogs: {_TAIL} lines of each of {pods:,} gateways: kubectl logs -l gives no "
            "more of a pod unless --tail=-1 is given."
        )


def refuse_malformed(accounts: Accounts, new: NewLines | None) -> None:
    """Raise the error of ``--strict`` if a line is malformed that this run has counted.

    Raises:
        LogFormatError: With the reasons.
    """
    if new is None:
        reasons, lines = accounts.malformed_by_reason, accounts.lines
    else:
        reasons, lines = new.malformed_by_reason, new.lines
    if reasons:
        of_what = f"{lines:,}{'' if new is None else ' new'} lines"
        why = reasons_of(reasons)
        raise LogFormatError(
            f"{sum(reasons.values()):,} of {of_what} are malformed ({why}), and --strict was "
            "given. Keep them with --rejects FILE, or run without --strict."
        )


def refuse_nothing(tally: Tally, selection: Selection) -> None:
    """Raise an error if there are records and none was selected.

    Raises:
        EmptySelectionError: With the window of the log, or with the roles of
            the records if none is a gateway's.
    """
    from envoylogs.summary.accounts import accounts

    if tally.traffic.frame.height:
        return
    lines = accounts(tally)
    if not selection:
        if lines.roles_left_out:
            roles = lines.roles_left_out
            found = ", ".join(f"{n:,} of role {role}" for role, n in roles.items())
            raise EmptySelectionError(
                f"none of {lines.records:,} records is a gateway's: {found}. "
                f"Count them with --role {next(iter(roles))}, or with --role all."
            )
    elif lines.records:
        first, last = lines.sources["first"].min(), lines.sources["last"].max()
        covers, left_out = "No record has a time.", ""
        if isinstance(first, int) and isinstance(last, int):
            covers, n = f"The log covers {window(first, last)}.", lines.untimed_left_out
            have = "has" if n == 1 else "have"
            left_out = f" {n:,} that fit otherwise {have} no time that can be read." if n else ""
        raise EmptySelectionError(
            f"none of {lines.records:,} records fits {selection.text}. {covers}{left_out}"
        )


def say_how_wide(summary: Summary, asked: Buckets, table: str | None) -> None:
    """Say how wide buckets of time are, if what was counted has none as narrow as was asked."""
    from envoylogs.summary.tables import ASKED

    spec = summary.judged.tally.spec
    of_columns = asked.made_of(spec.every_s).width_s if summary.asked_by else asked.width_s
    of_timeline = summary.bucket_seconds or asked.width_s
    widths = {ASKED: [of_columns], None: [of_columns, of_timeline]}.get(table, [of_timeline])
    if max(widths) != asked.width_s:
        say(
            f"envoylogs: buckets of {span(max(widths))}, not of {span(asked.width_s)}: what was "
            "counted has no finer ones. Read the logs with --every to have them."
        )


def say_where_connections_are(summary: Summary, table: str | None) -> None:
    """Say which table has the connections of a log, if one of requests is all that is shown."""
    from envoylogs.summary.breakdown import COLUMNS
    from envoylogs.summary.tables import ASKED

    overview = summary.overview
    # By outcome connections are counted too.
    of_requests = {"groups", ASKED, *COLUMNS} - {"outcome"}
    if overview.requests or not overview.connections or table not in of_requests:
        return
    by = f" --by {','.join(summary.asked_by)}" if table == ASKED else ""
    say(
        f"envoylogs: no request, and {counted(overview.connections, 'connection')}: "
        f"--table connections{by} counts these."
    )


def say_what_was_covered(summary: Summary, seconds: float, new: NewLines | None = None) -> None:
    """Say how many records of how many lines were read, over which time, and how fast."""
    overview = summary.overview
    folded = folded_of(summary)
    if folded is not None and summary.accounts.lines:
        say(f"envoylogs: {folded}")
    when = "" if overview.first is None else f", {window(overview.first, overview.last)}"
    say_what_was_read(summary.accounts, seconds, new, when=when)
    _say_if_tailed(summary.accounts)


def say_what_was_read(
    accounts: Accounts,
    seconds: float,
    new: NewLines | None = None,
    *,
    when: str = "",
    is_asked: bool = True,
) -> None:
    """Say how many records of how many lines were read, and how fast.

    What was read now is ``new`` if it was not everything; the window is the end of a list.
    Logs that nothing was asked of are not read.
    """
    if not is_asked:
        say("envoylogs: no line was read, since the answer needs no record.")
        return
    if not accounts.lines:
        is_left = new is not None and new.leaves_some
        why = "there is no whole record yet" if is_left else "the input is empty"
        say(f"envoylogs: {why}: no line was read.")
        return
    from envoylogs.render.words import records_of

    # The window is that of the records that are counted.
    records = records_of(accounts)
    of_some = "," if " of " in records else ""
    parts = [f"{records}{of_some} of {counted(accounts.lines, 'line')}"]
    values = sum(accounts.unreadable.values())
    parts += [
        f"{number:,} {name}"
        for name, number in (
            ("repaired", sum(accounts.repaired.values())),
            (f"malformed ({reasons_of(accounts.malformed_by_reason)})", accounts.malformed),
            ("unreadable value" if values == 1 else "unreadable values", values),
            ("of other programs", accounts.other),
        )
        if number
    ]
    read = accounts.bytes if new is None else new.bytes
    left_out = untimed_left_out(accounts.untimed_left_out)
    if left_out is not None:
        say(f"envoylogs: {left_out}")
    speed = f"{size(read)}{'' if new is None else ' new'} in {seconds:.1f} s"
    if read >= _WORTH_A_RATE:
        speed += f" ({size(round(read / seconds))}/s)"
    for source, of, same in accounts.copies.iter_rows():
        say(
            f"envoylogs: {printable(source)}: {size(same)} of it are those of {printable(of)}; "
            "they are counted once."
        )
    sources = counted(accounts.sources.height, "source")
    say(f"{', '.join(parts)}, in {sources}{when}; {speed}.")
