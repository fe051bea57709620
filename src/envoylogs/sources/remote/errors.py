"""What a store says when it does not give what it was asked for, in words of our own.

The words of ``obstore`` may hold a signed URL, so of these only the status, the store's own code
and the host are shown.
"""

from __future__ import annotations

import re

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_HOST = re.compile(r"https?://(?:[^/?\s@]*@)?([^/?\s@]+)")
_EXHAUSTED = "retries, max_retries"
_HELP = "(envoylogs help remote)"


class StoreError(OSError):
    """A store did not give what it was asked for.

    Attributes:
        problem: Which one of ``problems.PROBLEMS`` it is to an object that was found.
        may_pass: Whether asking again may help.
    """

    def __init__(
        self, why: str, problem: str = "refused_object", *, may_pass: bool = False
    ) -> None:
        super().__init__(why)
        self.problem = problem
        self.may_pass = may_pass


def store_error(error: Exception) -> StoreError:
    """Return what an error of ``obstore`` means."""
    said, kind = str(error), type(error).__name__
    status, code = _STATUS.search(said), _CODE.search(said)
    words = " ".join(found[1] for found in (status, code) if found is not None)
    if kind == "PreconditionError" or (status and status[1] == "412"):
        return StoreError("it was written anew while it was read", "changed_object")
    why = _refusal(kind, said, words)
    if why is not None:
        return StoreError(why)
    host = _HOST.search(said)
    why = words or f"no connection{f' to {host[1]}' if host else ''}, or it broke"
    # The library has asked again by itself, but not where an answer breaks off.
    return StoreError(
        f"the store does not answer ({why}), however often it was asked",
        "failed_object",
        may_pass=_EXHAUSTED not in said,
    )


def _refusal(kind: str, said: str, words: str) -> str | None:
    """Return why asking again does not help; null if it may."""
    why = None
    if kind in {"PermissionDeniedError", "UnauthenticatedError"} or words[:3] in {"401", "403"}:
        refused = f"the store refuses it ({words or 'no right'})"
        why = f"{refused}. Check the credentials and their rights {_HELP}"
    elif kind == "NotSupportedError":
        how = "curl -s URL | envoylogs"
        why = f"the server gives no parts of a file. Read it through a pipe: {how}"
    elif words.startswith("4"):
        why = f"the store refuses it ({words})"
    elif kind == "ValueError":
        # An empty step, "." or a control character.
        why = f"such a key can't be asked for: {said.partition(':')[2].strip() or said}"
    elif "llegal character" in said:
        why = (
            "a key that is listed has a control character, and can't be asked for. Name what is "
            "beside it"
        )
    elif "redential" in said or "MissingAccount" in said:
        why = f"there are no credentials for it {_HELP}"
    return why
