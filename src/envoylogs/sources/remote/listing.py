"""Which objects a URL means: one, those below a folder, or those that fit a pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.errors import SourceError
from envoylogs.sources.remote.stores import described, listed, told
from envoylogs.sources.remote.urls import RemoteObject, Url, parsed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore import ObjectMeta

_SORTED = ("s3://", "gs://")
"""Stores that list keys in their order."""


def object_at(word: str) -> RemoteObject:
    """Return the object at a URL as it is now.

    Raises:
        OSError: If there is none, or the store does not say.
    """
    url = parsed(word)
    return _object(url, described(url.store, url.key))


def objects_at(word: str) -> Iterator[tuple[RemoteObject, bool]]:
    """Yield the objects that a URL means, in the order in which the store lists them.

    Yields:
        Each with whether it was found, and not named.

    Raises:
        SourceError: If there is none, or the store can't be asked.
    """
    url = parsed(word)
    # A key may have brackets, as the name of a file may.
    may_be_one = not url.is_pattern or "[" in url.key
    try:
        if may_be_one and url.key and not url.key.endswith("/"):
            try:
                yield _object(url, described(url.store, url.key)), False
            except FileNotFoundError:
                if url.is_http:
                    raise
            else:
                return
        elif url.is_http:
            name = shown(url.store, url.key)
            raise SourceError(f"{name}: is no file, and behind HTTP nothing can be listed.")
        found = None
        for found in _found(url):
            yield found, True
    except OSError as error:
        raise told(url.store, url.key, error) from error
    if found is None:
        what = "no object fits this pattern" if url.is_pattern else "no such object, and none below"
        raise SourceError(f"{shown(url.store, url.key)}: {what}. Check the URL.")


def _found(url: Url) -> Iterator[RemoteObject]:
    """Yield what fits a pattern, or is below a folder; nothing hidden."""
    folder = url.literal if not url.is_pattern else url.literal.rpartition("/")[0]
    folder = folder.strip("/")
    # Keys that begin as the pattern does come behind all that is shorter.
    after = url.literal[:-1] if url.is_pattern and not url.literal.endswith("/") else None
    for page in listed(url.store, folder, after or None):
        for meta in page:
            key = meta["path"]
            is_behind = url.is_pattern and key > url.literal and not key.startswith(url.literal)
            if is_behind and url.store.startswith(_SORTED):
                return
            if not _is_hidden(key, folder) and (not url.is_pattern or url.fits(key)):
                yield _object(url._replace(key=key), meta)


def _is_hidden(key: str, folder: str) -> bool:
    return any(step.startswith(".") for step in key.removeprefix(folder).split("/"))


def _object(url: Url, meta: ObjectMeta) -> RemoteObject:
    return RemoteObject(url.store, url.key, meta["size"], meta["e_tag"])
