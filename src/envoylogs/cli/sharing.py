"""What somebody who gets an anonymized output can still read in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.cli.console import say
from envoylogs.render.formatting import printable
from envoylogs.summary.in_words import counted

if TYPE_CHECKING:
    from envoylogs.cli.log_options import LogOptions
    from envoylogs.summary.summary import Summary

_RARE_NAMED = 5


def say_what_is_shown(summary: Summary, log: LogOptions) -> None:
    """Say what of a log that was anonymized in this run is still there to be read."""
    if not log.anonymize or log.context.params.get("state") is not None:
        return
    import polars as pl

    from envoylogs.envoy.identifying import keeps_words
    from envoylogs.records import USUAL_FROM

    requests = pl.sum_horizontal("routed", "unrouted", "refused").sum()
    groups = summary.judged.paths.group_by("path_group").agg(requests=requests).drop_nulls()
    worded = groups.filter(groups["path_group"].map_elements(keeps_words, return_dtype=pl.Boolean))
    rare = worded.filter(pl.col("requests") < USUAL_FROM).sort("requests", "path_group")
    said = [
        f"{counted(worded.height, 'path group')} keep their words"
        if worded.height != 1
        else "1 path group keeps its words"
    ]
    if rare.height and not log.hide_rare_paths:
        named = ", ".join(map(printable, rare["path_group"].head(_RARE_NAMED)))
        more = f" and {rare.height - _RARE_NAMED:,} more" if rare.height > _RARE_NAMED else ""
        said.append(f"these are rare: {named}{more} (--hide-rare-paths hides such words)")
    say(f"envoylogs: anonymized: {'; '.join(said)}.")
    if not log.hide_names:
        say(
            "envoylogs: names of routed hosts, routes, services, addresses of the mesh and files "
            "are shown; --hide-names hides them from outsiders."
        )
