"""What there is to say of a log: the only thing that a renderer receives."""

from __future__ import annotations

from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from envoylogs.summary.accounts import Accounts, accounts
from envoylogs.summary.findings.whole_log import WholeLog, all_findings
from envoylogs.summary.folds import Folds, folds
from envoylogs.summary.overview import Overview, overview
from envoylogs.summary.tables import ASKED, ASKED_CONNECTIONS, TABLES
from envoylogs.summary.verdict import Verdict, verdict
from envoylogs.tally.known_tokens import revealed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from envoylogs.mesh.diagnosis.diagnoser import Diagnoser
    from envoylogs.mesh.diagnosis.refusals import Refusal
    from envoylogs.mesh.explanation import Diagnosis
    from envoylogs.mesh.intent import GatewayFacts, Note
    from envoylogs.mesh.mesh import Mesh
    from envoylogs.summary.explanations import Explanation
    from envoylogs.summary.findings.finding import Finding
    from envoylogs.summary.metrics.families import Family
    from envoylogs.summary.slices import FindingSlice, Slices
    from envoylogs.summary.sorting import Sort
    from envoylogs.summary.suppressing import Suppressed
    from envoylogs.tally.ladder import Buckets
    from envoylogs.tally.tally import Tally


class Summary:
    """Everything there is to say of a log; each part is made when it is asked for, once.

    ``summarize`` makes it, and says what it is made of.

    Attributes:
        judged: What the tally means.
        asked_by: The columns that a table was asked by; empty without.
        selection: Which records were counted, as options; null for all.
        finding: The finding whose records they are, as it was asked for; null for none.
        anonymized: Whether tokens stand for what may say who somebody is.
        mesh: The configuration given; null for none.
    """

    judged: WholeLog

    def __init__(  # noqa: PLR0913  # what ``summarize`` is given
        self,
        tally: Tally,
        *,
        complete: bool,
        by: Sequence[str],
        buckets: Buckets | None,
        sort: Sort | None,
        finding: str | None,
        names_in_metrics: int | None,
        mesh: Mesh | None,
        suppress: Sequence[str],
    ) -> None:
        lists = None if mesh is None else mesh.lists
        self.judged = WholeLog(revealed(tally), buckets, lists)
        self.asked_by = tuple(by)
        self.selection, self.finding = tally.spec.selection, finding
        self.anonymized = tally.spec.anonymized is not None
        self._complete = complete
        self.mesh = mesh
        self._suppressed: Suppressed | None = None
        if suppress:
            from envoylogs.summary.suppressing import Suppressed

            self._suppressed = Suppressed(suppress)
        self._sort, self._names_in_metrics = sort, names_in_metrics
        self._tables: dict[str, pl.DataFrame] = {}

    def table(self, name: str) -> pl.DataFrame:
        """Return a table of ``tables.TABLES``; ``asked_by`` has columns for those that need it."""
        if name not in self._tables:
            make = TABLES[name].make
            if make is None:
                raise KeyError(name)
            table = make(self)
            if self._sort is not None and self._sort.is_of(table):
                table = self._sort.sorted(table)
            self._tables[name] = table
        return self._tables[name]

    @cached_property
    def complete(self) -> bool:
        """Whether all of the input was read."""
        return self._complete and self.accounts.damaged.is_empty()

    @cached_property
    def accounts(self) -> Accounts:
        """Where every line went."""
        return accounts(self.judged.tally)

    @cached_property
    def overview(self) -> Overview:
        """Totals."""
        return overview(self.judged)

    @cached_property
    def bucket_seconds(self) -> int | None:
        """The width of the timeline's buckets; null for an empty log."""
        return self.judged.width_s

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, the worst first; with a configuration, what that proves too."""
        found = all_findings(self.judged, self.accounts, self.overview)
        if self.mesh is not None:
            from envoylogs.summary.findings.configured import with_configuration

            hosts = self.mesh.routed_hosts(self._facts)
            found = with_configuration(found, self.explanations, self.judged, self.mesh, hosts)
        if self._suppressed is None:
            return tuple(found)
        return tuple(each for each in found if not self._suppressed(each.code, each.subject))

    @cached_property
    def explanations(self) -> tuple[Explanation, ...]:
        """Why requests were turned away; empty unless the tally counts what the gateway answered.

        By the configuration given, and by the log alone without one.
        """
        if not self.judged.tally.spec.turned_away:
            return ()
        # Whoever gives no configuration does not wait for what reads one.
        from envoylogs.mesh.diagnosis.log_only import explained_by_log
        from envoylogs.mesh.pods import gateway_group
        from envoylogs.summary.explanations import explanations
        from envoylogs.summary.log_facts import seen_of

        seen = seen_of(self.judged, self.accounts)
        if self.mesh is None:
            found = explanations(self.judged, partial(explained_by_log, seen=seen), lambda _: False)
        else:
            mesh = self.mesh

            @cache
            def diagnoser(group: str | None) -> Diagnoser:
                return mesh.diagnoser(self._facts_of(group), seen)

            def diagnose(refusal: Refusal) -> Diagnosis:
                pod = None if refusal.gateway is None else self._pod_of(refusal.gateway)
                return diagnoser(gateway_group(pod))(refusal)

            found = explanations(self.judged, diagnose, self.mesh.lists)
        hides = self._suppressed
        if hides is None:
            return found
        return tuple(each for each in found if not hides(each.diagnosis.cause, each.host))

    @cached_property
    def remarks(self) -> tuple[Note, ...]:
        """What is odd in the configuration given, whatever the log says; empty without one."""
        if self.mesh is None:
            return ()
        authorities = self.judged.tally.turned_away.frame["authority"]
        has_ports = bool(authorities.str.contains(r":\d+$").any())
        told = {found.diagnosis.says for found in self.explanations}
        return tuple(
            note
            for note in self.mesh.remarks(self._facts)
            if (note.code != "release_unknown" or has_ports) and note.says not in told
        )

    @cached_property
    def _facts(self) -> GatewayFacts:
        return self._facts_of(None)

    def _facts_of(self, group: str | None) -> GatewayFacts:
        from envoylogs.summary.log_facts import facts_of

        return facts_of(self.judged, self.accounts, self._pod_of, group)

    def _pod_of(self, gateway: str) -> str:
        return gateway if self.mesh is None else self.mesh.pod_at(gateway, self.overview.last)

    @cached_property
    def verdict(self) -> Verdict:
        """Whether anything is."""
        return verdict(self.findings, self.overview, self.accounts, self.folds)

    @cached_property
    def folds(self) -> Folds:
        """What was folded to keep memory bounded."""
        return folds(self.judged.tally)

    @cached_property
    def metrics(self) -> tuple[Family, ...] | None:
        """For monitoring, in a fixed order; null unless they were asked for."""
        if self._names_in_metrics is None:
            return None
        from envoylogs.summary.metrics.families import metric_families

        return metric_families(self, self._names_in_metrics)

    @cached_property
    def slices(self) -> Slices | None:
        """What any slice is counted from; null unless joint counts are by ``SLICE_COLUMNS``."""
        joint = self.judged.tally.spec.joint
        if not joint:
            return None
        from envoylogs.summary.slices import SLICE_COLUMNS, slices

        if joint != SLICE_COLUMNS:
            return None
        return slices(self.judged)

    @cached_property
    def finding_slices(self) -> tuple[FindingSlice | None, ...]:
        """Of each of ``findings``; empty without slices."""
        if self.slices is None:
            return ()
        from envoylogs.summary.slices import slices_of

        return slices_of(self.findings, self.slices)


def summarize(  # noqa: PLR0913  # what may be asked of a tally
    tally: Tally,
    *,
    complete: bool = True,
    by: Sequence[str] = (),
    buckets: Buckets | None = None,
    sort: Sort | None = None,
    finding: str | None = None,
    names_in_metrics: int | None = None,
    mesh: Mesh | None = None,
    suppress: Sequence[str] = (),
) -> Summary:
    """Return what there is to say of a tally.

    Args:
        tally: Of any number of logs.
        complete: Whether reading was not broken off. A damaged source makes a summary
            incomplete in any case.
        by: Columns that one more table is wanted by.
        buckets: Of time that the timeline, splits and ``start_time`` among these columns are
            wanted by; they are wider where the tally has no finer ones. Null for those it has.
        sort: The order of the tables that have its column; null for their own.
        finding: As it is shown in the place of its condition.
        names_in_metrics: So many hosts, and so many clusters, are named in
            ``metrics`` at most; null if no metrics are wanted.
        mesh: The configuration given, which says why; null for none.
        suppress: Codes of causes and findings that are left out, each everywhere or, as
            ``CODE:HOST``, for hosts of a glob.

    Raises:
        TallyError: If the tally has no counts by these columns.
    """
    summary = Summary(
        tally,
        complete=complete,
        by=by,
        buckets=buckets,
        sort=sort,
        finding=finding,
        names_in_metrics=names_in_metrics,
        mesh=mesh,
        suppress=suppress,
    )
    if by:
        # What can't be counted is said before anything is written.
        summary.table(ASKED)
        summary.table(ASKED_CONNECTIONS)
    return summary
