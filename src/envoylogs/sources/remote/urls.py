"""What a URL means: a store, and an object in it or a pattern of such."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from envoylogs.errors import SourceError

_URL = re.compile(r"(s3|gs|az|abfss?|https?)://", re.IGNORECASE)
_ANY_URL = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]*", re.IGNORECASE)
_MAGIC = re.compile(r"[*?\[]")
_OF_PATTERN = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)


class RemoteObject(NamedTuple):
    """An object of a store: a value, which may be sent to another process.

    Attributes:
        store: The URL of the store; of HTTP with the query, which may be a secret.
        key: Its name there.
        size: How many bytes it has.
        version: The ETag of these bytes; null if the store names none.
    """

    store: str
    key: str
    size: int
    version: str | None

    @property
    def name(self) -> str:
        """Its URL as it is shown, without a query."""
        return shown(self.store, self.key)


class Url(NamedTuple):
    """A store and a key, which may be a pattern."""

    store: str
    key: str

    @property
    def is_http(self) -> bool:
        """Whether it is a page behind HTTP: nothing can be listed there."""
        return self.store.lower().startswith("http")

    @property
    def is_pattern(self) -> bool:
        """Whether its key is a pattern."""
        return not self.is_http and _MAGIC.search(self.key) is not None

    @property
    def literal(self) -> str:
        """What the key begins with before its first pattern character."""
        found = None if self.is_http else _MAGIC.search(self.key)
        return self.key if found is None else self.key[: found.start()]

    def fits(self, key: str) -> bool:
        """Tell whether a key fits the pattern, or is below a folder that does."""
        expression = _expression(self.key.rstrip("/"))
        return expression is not None and expression.fullmatch(key) is not None


def is_url(word: str) -> bool:
    """Tell whether a word is the URL of a store that is read."""
    return _URL.match(word) is not None


def looks_like_url(word: str) -> bool:
    """Tell whether a word is a URL of any kind, as it was given or as a path writes it."""
    return _ANY_URL.match(word) is not None


def may_be_tally(key: str) -> bool:
    """Tell by its name whether an object may be no log but what was made of logs."""
    return key.endswith((".parquet", ".tally"))


def parsed(word: str) -> Url:
    """Return the store and the key of a URL.

    Of HTTP the folder is the store, and the last step of the path is the key.

    Raises:
        SourceError: If it names no host or no bucket; credentials have no place in it.
    """
    scheme, _, rest = word.partition("://")
    scheme = scheme.lower()
    if scheme in {"http", "https"}:
        _, host, path, query, _ = urlsplit(word)
        if not host.rpartition("@")[2].strip(":"):
            raise SourceError(f"{scheme}://...: names no host.")
        folder, _, last = path.rpartition("/")
        return Url(urlunsplit((scheme, host, folder, query, "")), unquote(last))
    # Keys may hold any character.
    bucket, _, key = rest.partition("/")
    container = bucket.partition("@")[0] if scheme.startswith("abfs") else bucket
    if _BUCKET.fullmatch(container) is None:
        raise SourceError(
            f"{scheme}://...: names no bucket, which has letters, digits, '-', '.' and '_' alone. "
            "Credentials come from the environment (envoylogs help remote)."
        )
    return Url(f"{scheme}://{bucket}", key)


def shown_word(word: str) -> str:
    """Return a word of a command line as it is shown: a URL without user and query."""
    return shown(*parsed(word)) if is_url(word) and word.lower().startswith("http") else word


def shown(store: str, key: str) -> str:
    """Return the URL of an object as it is shown: without user and query, which may be secrets."""
    scheme, host, path, _, _ = urlsplit(store)
    where = urlunsplit((scheme, host.rpartition("@")[2] if scheme in {"http", "https"} else host,
                        path.rstrip("/"), "", ""))  # fmt: skip
    return f"{where}/{key}"


@lru_cache(maxsize=64)
def _expression(pattern: str) -> re.Pattern[str] | None:
    """Return a glob, and what is below what fits it, as a regular expression.

    Only ``**`` passes a slash. Null if nothing fits: a range that ends before it begins.
    """
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = [words.get(part) or _class_or_letter(part) for part in _OF_PATTERN.findall(pattern)]
    try:
        return re.compile("".join(parts) + "(?:/.*)?", re.DOTALL)
    except re.error:
        return None


def _class_or_letter(part: str) -> str:
    if len(part) == 1:
        return re.escape(part)
    inside = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
    return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
