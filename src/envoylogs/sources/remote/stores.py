"""Asking a store, with the credentials of its own ecosystem, as often as it takes.

``obstore`` asks: S3, Google Cloud Storage, Azure and HTTP by one interface, outside of the
interpreter's lock, with retries.
"""

from __future__ import annotations

import os
import random
import time
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from envoylogs.errors import ExtraError, MissingSourceError, SourceError
from envoylogs.sources.remote.errors import StoreError, store_error
from envoylogs.sources.remote.urls import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    from obstore import ObjectMeta
    from obstore.store import ObjectStore

    from envoylogs.sources.remote.urls import RemoteObject

    _Result = TypeVar("_Result")

_TRIES = 6
_RETRIES, _FIRST_RETRIES = 10, 5
"""How often the library asks again: for some 40 s what is known to be there, and for 3 s anything
else, so that a wrong address is told soon."""
_FIRST_WAIT_S = 0.2
_LISTED = 1000
_NATIVE = (
    "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SKIP_SIGNATURE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)  # fmt: skip
"""What says credentials of S3, or where they are, before files and the machine itself are asked."""


def listed(url: str, prefix: str, after: str | None) -> Iterator[Sequence[ObjectMeta]]:
    """Yield what is in a store below a folder, page by page.

    Args:
        url: Of the store.
        prefix: The folder, without a slash at its end.
        after: The first key comes behind this one; null for all.

    Raises:
        StoreError: If it can't be listed.
    """
    pages: Iterator[Sequence[ObjectMeta]] | None = None

    def next_page() -> Sequence[ObjectMeta] | None:
        nonlocal pages
        if pages is None:
            pages = iter(_store(url).list(prefix or None, offset=after, chunk_size=_LISTED))
        asked, pages = pages, None
        page = next(asked, None)
        # A list that broke is asked for anew, from behind what came of it.
        pages = asked
        return page

    while (page := _asked(url, next_page)) is not None:
        yield page
        after = page[-1]["path"] if page else after


def described(url: str, key: str) -> ObjectMeta:
    """Return what a store knows of an object.

    Raises:
        StoreError: If it does not say.
        FileNotFoundError: If there is none.
    """
    if url.startswith("http"):
        # A signed URL is for reading and not for asking.
        try:
            return _asked(url, lambda: _store(url).get(key, options={"range": (0, 1)})).meta
        except StoreError as error:
            # Of an empty file there is no first byte.
            if "416" not in str(error):
                raise
    return _asked(url, lambda: _store(url).head(key))


def fetched(found: RemoteObject, start: int, end: int) -> memoryview:
    """Return bytes of an object, of the version that was listed.

    Raises:
        StoreError: If the store does not give them.
        FileNotFoundError: If the object is not there any more.
    """
    options: Any = {"range": (start, end)}
    if found.version is not None and not found.version.startswith("W/"):
        options["if_match"] = found.version

    def get() -> memoryview:
        return memoryview(_store(found.store, _RETRIES).get(found.key, options=options).bytes())

    data = _asked(found.store, get)
    if len(data) != end - start:
        raise StoreError("it is shorter than the store had said", "changed_object")
    return data


def told(url: str, key: str, error: OSError) -> SourceError:
    """Return an error about a URL for the user."""
    name = shown(url, key)
    if isinstance(error, FileNotFoundError):
        return MissingSourceError(f"{name}: no such object, and none below it. Check the URL.")
    return SourceError(f"{name}: can't be read: {error}.")


def _asked(url: str, ask: Callable[[], _Result]) -> _Result:
    """Ask a store, again if it fails in a way that may pass.

    Most of that the library does by itself; an answer that ends in its middle it does not.
    """
    try:
        from obstore.exceptions import BaseError
    except ImportError:
        raise ExtraError.missing(url.partition("?")[0], "remote") from None

    for left in reversed(range(_TRIES)):
        try:
            return ask()
        except StoreError:
            raise
        except FileNotFoundError:
            raise FileNotFoundError("no such object") from None
        except (BaseError, OSError, ValueError) as error:
            found = store_error(error)
            if not (found.may_pass and left):
                raise found from None
            time.sleep(_FIRST_WAIT_S * 2 ** (_TRIES - left - 1) * random.uniform(0.5, 1.5))  # noqa: S311
    raise AssertionError


def _store(url: str, retries: int = _FIRST_RETRIES) -> ObjectStore:
    """Return a store as the environment describes it now, which a notebook changes meanwhile."""
    said = frozenset((name, os.environ.get(name)) for name in os.environ)
    return _store_of(url, retries, said)


@lru_cache(maxsize=64)
def _store_of(
    url: str,
    retries: int,
    environment: frozenset[tuple[str, str | None]],  # noqa: ARG001  # each has a store of its own
) -> ObjectStore:
    from obstore import store as stores

    scheme = url.partition("://")[0]
    options: Any = {
        "client_options": {"allow_http": _may_be_http(scheme), "timeout": timedelta(seconds=60)},
        "retry_config": {"max_retries": retries, "retry_timeout": timedelta(seconds=120)},
    }
    match scheme:
        case "s3":
            return stores.S3Store.from_url(url, **options, **_credentials())
        case "gs":
            return stores.GCSStore.from_url(url, **options)
        case "http" | "https":
            return stores.HTTPStore.from_url(url, **options)
    return stores.AzureStore.from_url(url, **options)


def _may_be_http(scheme: str) -> bool:
    """Tell whether the user has named an address without TLS."""
    endpoints = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT",
                 "AZURE_STORAGE_ENDPOINT", "GOOGLE_STORAGE_ENDPOINT")  # fmt: skip
    named = {name: os.environ[name] for name in endpoints if name in os.environ}
    for name, url in named.items():
        if not url.startswith(("http://", "https://")):
            raise StoreError(f"{name} is no address, which is http:// or https:// and a host")
    return scheme == "http" or any(url.startswith("http://") for url in named.values())


def _credentials() -> dict[str, Any]:
    """Return what gives credentials of S3 where the environment has none."""
    if any(name in os.environ for name in _NATIVE) and "AWS_PROFILE" not in os.environ:
        return {}
    try:
        from botocore.exceptions import BotoCoreError
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        return {}
    try:
        return {"credential_provider": Boto3CredentialProvider()}
    except (BotoCoreError, ValueError) as error:
        why = str(error) if isinstance(error, BotoCoreError) else "none were found"
        how = "AWS_SKIP_SIGNATURE=true reads what is public (envoylogs help remote)"
        raise StoreError(f"there are no credentials for it: {why}. {how}") from None
