"""Sources as a stream of batches: normalized frames with the accounts of their lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import polars as pl

from envoylogs.grouping.numbering import Numberings
from envoylogs.keyed.keyed_records import KeyedRecords
from envoylogs.keyed.meaning import normalized

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from envoylogs.envoy.roles import ProxiesSeen
    from envoylogs.keyed.distinct_requests import RequestsSeen
    from envoylogs.keyed.plan import ReadPlan
    from envoylogs.keyed.selection import Selection
    from envoylogs.reading.decoded_block import DecodedBlock
    from envoylogs.reading.fates import LineFates


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records and the accounts of the lines that were read for them.

    Attributes:
        selected: The records that were selected, None without any. Columns are those of
            ``schema.NORMALIZED`` that were wanted, then ``source`` and ``line``, and ``text``
            (bytes) if it was wanted.
        fates: Of the lines read since the batch before.
        unselected: All records of these lines, of the roles that are looked
            at, where a selection left some out.
        unchosen: All records of these lines where a role left some out.
        names: Names of hosts by token, if the records are anonymized; only those
            of known hosts are fit to be kept.
    """

    selected: KeyedRecords | None
    fates: LineFates
    unselected: KeyedRecords | None = None
    unchosen: KeyedRecords | None = None
    names: pl.DataFrame | None = None

    @classmethod
    def of(cls, records: pl.DataFrame | None, fates: LineFates) -> Self:
        """Return normalized records in plain columns as a batch."""
        return cls(None if records is None else KeyedRecords.of(records), fates)

    @property
    def frame(self) -> pl.DataFrame | None:
        """The records that were selected in plain columns, None without any."""
        return None if self.selected is None else self.selected.frame()

    @property
    def whole(self) -> KeyedRecords | None:
        """All records of the roles that are looked at, whatever was selected."""
        return self.selected if self.unselected is None else self.unselected

    @property
    def everything(self) -> KeyedRecords | None:
        """All records that were read, of any role."""
        return self.whole if self.unchosen is None else self.unchosen


@dataclass(slots=True)
class Decoded:
    """A batch whose values are still as they were logged.

    Decoding holds the interpreter and normalizing does not, so a pipeline can
    do the two at the same time.
    """

    block: DecodedBlock | None
    plan: ReadPlan
    fates: LineFates
    proxies: ProxiesSeen
    requests: RequestsSeen
    numbers: Numberings = field(default_factory=Numberings)

    def normalized(self) -> Batch:
        """Return the batch that this becomes; may be called once, in the order of the batches."""
        (batch,) = self.selected_by([(self.plan.selection, self.requests)])
        return batch

    def selected_by(
        self,
        selections: Sequence[tuple[Selection, RequestsSeen]],
        *,
        seldom_of: pl.Expr | None = None,
    ) -> list[Batch]:
        """Return a batch for each of some selections; what all share is worked out once.

        Args:
            selections: Each with the requests that it has read before. The plan has
                their columns.
            seldom_of: Tells the keys of which columns that are seldom asked may be asked at all,
                before the next batch is decoded. Null for all.
        """
        if self.block is None:
            return [Batch(None, self.fates.copy()) for _ in selections]
        columns = {*self.plan.all_columns, "role"}
        # What was logged is let go once it is normalized: whoever waits for the rest holds this.
        block, self.block = self.block, None
        read = normalized(
            block, self.numbers, columns, self.fates, self.proxies, seldom_of=seldom_of
        )
        del block
        return [self.batch_of(read, *selection) for selection in selections]

    def batch_of(self, read: KeyedRecords, selection: Selection, requests: RequestsSeen) -> Batch:
        """Return what a selection takes of the records that were read."""
        fates = self.fates.copy()
        whole = _of_roles(read, selection.roles, fates)
        if "role" not in self.plan.all_columns:
            read, whole = read.without("role"), whole.without("role")
        selected = selection.selected(whole)
        fates.add("", "filtered", read.height - selected.height)
        fates.add("", "untimed_left_out", selection.untimed(whole))
        if selection.distinct:
            distinct = selected.filter(requests.are_new(selected.rows["request_id"]))
            fates.add("", "seen_before", selected.height - distinct.height)
            selected = distinct
        return self._anonymized(
            Batch(
                selected if selected.height else None,
                fates,
                unselected=None if selected.height == whole.height else whole,
                unchosen=None if whole.height == read.height else read,
            )
        )

    def _anonymized(self, batch: Batch) -> Batch:
        """Return a batch as it may be counted and shown, if it is to be anonymized."""
        anonymizer = self.plan.anonymizer
        if anonymizer is None:
            return batch
        selected, unselected, unchosen = (
            None if records is None else anonymizer.anonymized(records.decoded())
            for records in (batch.selected, batch.unselected, batch.unchosen)
        )
        whole = unselected or selected
        return Batch(
            selected and selected.records,
            batch.fates,
            unselected and unselected.records,
            unchosen and unchosen.records,
            whole and whole.names,
        )


def _of_roles(read: KeyedRecords, wanted: Collection[str], fates: LineFates) -> KeyedRecords:
    """Return the records of the roles that are looked at, and account for the others."""
    sources, names = read.rows["source"], read.keys["role"].unique()
    if names.len() > 1:
        counted = pl.DataFrame([sources, read.of_keys(pl.col("role"))]).group_by(pl.all()).len()
        by_source = counted.select("source", "len", "role").rows()
    else:
        is_one = sources.min() == sources.max()
        found = [(sources[0], read.height)] if is_one else sources.value_counts().rows()
        by_source = [(*source, role) for source in found for role in names]
    if "source" in read.coded:
        texts = read.values_of("source")
        by_source = [(texts[source], n, role) for source, n, role in by_source]
    for source, n, role in by_source:
        fates.add(source, "role", n, role)
        if role not in wanted:
            fates.add(source, "role_left_out", n, role)
    are_all = {role for *_, role in by_source} <= set(wanted)
    return read if are_all else read.filter(read.of_keys(pl.col("role").is_in(wanted)))
