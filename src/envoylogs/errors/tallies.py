"""Saved tallies and states that can't be read, added to, or asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.errors.problem import EnvoylogsError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["StateError", "TallyError", "TallyQuestionError"]


class TallyError(EnvoylogsError):
    """A tally can't be read or added to another."""

    slug = "tally"

    @classmethod
    def specs_differ(cls, ours: object, theirs: object) -> TallyError:
        """Return the error for two tallies of different specifications."""
        return cls(
            "tallies that remember different things can't be added: "
            f"{ours} and {theirs}. Make both with the same options."
        )

    @classmethod
    def unreadable(cls, name: str, why: str) -> TallyError:
        """Return the error for a file that is no tally, or not one of this version."""
        return cls(f"{name}: {why}")

    @classmethod
    def not_a_tally(cls, name: str) -> TallyError:
        """Return the error for a source that is no tally where only tallies are added."""
        how = f"envoylogs summarize {name} --save-tally FILE"
        return cls(f"{name}: is no saved tally. Make one: {how}")


class TallyQuestionError(EnvoylogsError):
    """A saved tally is asked for what it does not have."""

    slug = "tally-question"

    @classmethod
    def not_counted_by(
        cls, by: Iterable[str], always: Iterable[str], asked: Iterable[str]
    ) -> TallyQuestionError:
        """Return the error for a table that a saved tally can't answer."""
        named = ",".join(asked)
        return cls(
            f"a saved tally has no counts by {','.join(by)} together. It has them by any of "
            f"{', '.join(dict.fromkeys(always))}"
            + (f", and by {named}" if named else "")
            + ". Read the logs again, or save the tally with the same --by."
        )

    @classmethod
    def connections_not_counted_by(cls, by: Iterable[str]) -> TallyQuestionError:
        """Return the error for a saved tally that counts requests alone by these columns."""
        columns = ",".join(by)
        return cls(
            f"a saved tally has no counts of connections by {columns}: it was saved, or a part of "
            "it, by a release that counted requests alone by them. Read the logs again, or save "
            f"the tally anew with --by {columns}."
        )

    @classmethod
    def not_joint(cls, asked: Iterable[str], kept: Iterable[str] | None) -> TallyQuestionError:
        """Return the error for joint counts that there are not.

        Args:
            asked: The columns that they were asked for by; none for any.
            kept: The columns of a saved tally; null without one.
        """
        by = f" by {','.join(asked)}" if asked else ""
        columns = ",".join(asked) or "host,path_group,outcome"
        if kept is None:
            how = f"Give the columns to count by: --joint {columns}."
            return cls(f"there are no joint counts{by}: none were asked for. {how}")
        has = f"has them by {','.join(kept)}" if kept else "has none"
        return cls(
            f"a saved tally has no joint counts{by}: it {has}. Read the logs again, or save the "
            f"tally with --joint {columns}."
        )

    @classmethod
    def not_selectable(cls, name: str, selection: str, kept: str | None) -> TallyQuestionError:
        """Return the error for a selection from a saved tally."""
        of_what = f"of the records with {kept}" if kept else "of all records"
        return cls(
            f"{name}: is a saved tally {of_what}; {selection} can't be selected from it. It has "
            "counts, not records: by authority, route_name, response_code, upstream_cluster and "
            "the other tables. Read the logs, or save a tally with that selection."
        )

    @classmethod
    def not_alone(cls, name: str) -> TallyQuestionError:
        """Return the error for distinct requests of a source that is read alone."""
        return cls(
            f"{name}: which of its requests other sources hold too can't be told from it alone. "
            "Read all sources together for distinct requests."
        )

    @classmethod
    def not_anonymized(cls, name: str) -> TallyQuestionError:
        """Return the error for a saved tally of names as they were logged."""
        return cls(
            f"{name}: is a saved tally of names as they were logged, which can't be anonymized "
            "afterwards. Read the logs again with --anonymize, or give --no-anonymize."
        )

    @classmethod
    def no_slices(cls) -> TallyQuestionError:
        """Return the error for figures or a page of a tally without the counts for them."""
        return cls(
            "this tally has no counts for figures and pages. Analyze the logs, or save the tally "
            "from an analysis."
        )

    @classmethod
    def no_lines(cls, name: str) -> TallyQuestionError:
        """Return the error for lines that are asked of a saved tally."""
        return cls(f"{name}: is a saved tally: it has counts and no lines. Give the logs.")


class StateError(EnvoylogsError):
    """A file of ``--state`` can't be used."""

    slug = "state"

    @classmethod
    def locked(cls, path: str) -> StateError:
        """Return the error for a file that another run is adding to."""
        return cls(
            f"{path}: another run is adding to it. Nothing was counted; the next run counts what "
            "is new by then."
        )

    @classmethod
    def unlockable(cls, path: str, cause: OSError) -> StateError:
        """Return the error for a file that can't be locked."""
        return cls(f"{path}: can't be locked: {cause.strerror or cause}.")

    @classmethod
    def not_a_state(cls, path: str) -> StateError:
        """Return the error for a tally that does not say which logs it has counted."""
        return cls(
            f"{path}: is a saved tally that was not made by --state, or by another release: it "
            "does not say which bytes of which logs it has counted. Name a file that is not there."
        )

    @classmethod
    def not_a_file(cls, path: str) -> StateError:
        """Return the error for a folder, a device or a pipe, which keeps nothing."""
        return cls(f"{path}: is no file, and a state is kept in one. Name a file.")

    @classmethod
    def damaged(cls, why: str) -> StateError:
        """Return the error for a file that holds no counts, or not any more.

        Args:
            why: The file and what is wrong with it, as a sentence.
        """
        return cls(
            f"{why.removesuffix('.')}. If it was a state, what it had counted is lost: delete "
            "it, and the next run counts anew all that the logs still hold. If it was something "
            "else, name another file."
        )

    @classmethod
    def differs(cls, path: str, kept: str, asked: str) -> StateError:
        """Return the error for a run that would do something else than those before it.

        Args:
            path: The file.
            kept: How it was made, where the two differ.
            asked: What the run was asked for instead.
        """
        return cls(
            f"{path}: was made with {kept}, and this run was asked for {asked}. Give the same "
            "options, or name another file."
        )
