"""Which parts of paths, hosts and texts may say who somebody is, or let somebody in.

Clients choose paths and headers, and what stands in them is not known. So what
looks like a word of a route stays, and everything else is replaced: ids, UUIDs,
hashes, mail addresses, tokens, network addresses, and every value of a query.
What stands in the place of a value is up to the caller.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

from envoylogs.envoy.details import reading_of
from envoylogs.envoy.distinct import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable

# Of a path; the first three are those of ``paths.path_group``, in its order.
_ID = re.compile(r"\d+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HASH = re.compile(r"[0-9a-fA-F]{16,}")
_QUERY = re.compile(r"[?#]")
_WITH_HOST = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:)//([^/?#]*)")

# ``large@2x.webp`` is a picture.
_DENSITY = re.compile(r"@[1-4]x(?=\.|$)")
_OF_WORDS = re.compile(r"[A-Za-z0-9._~:+*-]*")
_RUN = re.compile(r"[A-Za-z0-9]+")
_NAME_OF_A_VALUE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,31}(?:\[\])?")
_ADDRESS_IN_WORDS = re.compile(r"(?<!\d)\d{1,3}(?:[.-]\d{1,3}){3}(?!\d)")

# ``cart``, ``oauth2``, ``v12``, ``v1beta1``, ``sha256``; ``s3cr3t`` is none.
_WORD = re.compile(
    r"[A-Za-z]{1,24}\d{0,2}|v\d{1,3}|v\d{1,2}(?:alpha|beta|rc)\d{1,2}|(?:AES|SHA|sha)\d{1,3}|X509"
)
_NUMBER = re.compile(r"\d{1,2}")
_HUMP = re.compile(r"[A-Z]+[a-z]*|[a-z]+")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_LONG_WORD, _SHORT_HUMP, _WITHOUT_VOWEL = 12, 3, 8
_MOST_DIGITS, _LONGEST_SEGMENT = 5, 48

_DNS_NAME = re.compile(r"(?=.{1,253}$)(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*)(?:\.[a-z0-9_-]+)*\.?")
# What no host is called by hand: a UUID, a hash, a long run of letters and digits in any order.
_TELLING_LABEL = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{16,}|\d{6,}"
)

_EMAIL = r"[^\s@,;:<>(){}\[\]\"']+@[^\s@,;<>(){}\[\]\"']+"
_IPV4 = r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"
_IPV6 = r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])"
_JWT = r"[\w-]{8,}\.[\w-]{8,}\.[\w-]+"
_IN_TEXT = re.compile(f"{_EMAIL}|{_JWT}|{_UUID.pattern}|{_IPV4}|{_IPV6}|{_RUN.pattern}")
_ERROR_NUMBER = re.compile(r"\d{1,10}")


def is_plain_word(word: str) -> bool:
    """Tell a run of letters and digits that looks like a word of a language or a version."""
    if _NUMBER.fullmatch(word):
        return True
    if not _WORD.fullmatch(word):
        return False
    if len(word) >= _LONG_WORD and len(word) < _SHORT_HUMP * len(_HUMP.findall(word)):
        return False
    return len(word) < _WITHOUT_VOWEL or bool(_VOWEL.search(word))


def _is_of_words(text: str) -> bool:
    """Tell a text that is words with marks between them."""
    return bool(
        len(text) <= _LONGEST_SEGMENT
        and _OF_WORDS.fullmatch(text)
        and all(map(is_plain_word, _RUN.findall(text)))
        and sum(map(str.isdigit, text)) <= _MOST_DIGITS
        and not _ADDRESS_IN_WORDS.search(text)
    )


class HiddenPaths:
    """Hides what may be somebody's in paths, and leaves their shape.

    Args:
        replace: Returns what stands in the place of a value; is given its kind
            (``id``, ``uuid``, ``hash``, ``email``, ``token`` or ``value``) and it.
        words: Segments that stay if they look like words; null for all such.
    """

    def __init__(
        self, replace: Callable[[str, str], str], words: frozenset[str] | None = None
    ) -> None:
        self._replace, self._words = replace, words
        # The same few segments, pairs and names come again and again.
        self._segments = Remembered(self._segment)
        self._pairs = Remembered(self._pair)
        self._names = Remembered(self._name)

    def of(self, path: str) -> str:
        """Return a path, with its query, of which only words of routes are left."""
        found = _QUERY.search(path)
        if found is None:
            return self.of_segments(path)
        return self.of_segments(path[: found.start()]) + self.of_query(path[found.start() :])

    def of_segments(self, bare: str) -> str:
        """Return a path without its query likewise."""
        hidden = "/".join(map(self._segments.__getitem__, bare.split("/")))
        if "://" in bare and (of_host := _WITH_HOST.match(bare)) is not None:
            # Whoever asks for another host here may put a password in front of it.
            scheme, _, _, *others = hidden.split("/")
            host = self._replace("token", of_host[2]) if of_host[2] else ""
            hidden = "/".join((scheme, "", host, *others))
        return hidden

    def of_query(self, query: str) -> str:
        """Return a query with its ``?``, and a fragment with its ``#``, likewise."""
        query, number_sign, fragment = query.partition("#")
        hidden = query[:1]
        if query:
            hidden += "&".join(map(self._pairs.__getitem__, query[1:].split("&")))
        return f"{hidden}#{self._value(unquote(fragment))}" if number_sign else hidden

    def _value(self, value: str) -> str:
        return self._replace("value", value) if value else ""

    def _segment(self, segment: str) -> str:
        """Return what stands between two slashes."""
        if _ID.fullmatch(segment):
            return self._replace("id", segment)
        if _UUID.fullmatch(segment):
            return self._replace("uuid", segment)
        if _HASH.fullmatch(segment):
            return self._replace("hash", segment)
        if ";" in segment:
            bare, *parameters = segment.split(";")
            return ";".join((self._segment(bare), *map(self._pair, parameters)))
        is_usual = self._words is None or not segment or segment in self._words
        if is_usual and _is_of_words(_DENSITY.sub("", segment)):
            return segment
        text = unquote(segment)
        return self._replace("email" if "@" in text else "token", text)

    def _pair(self, pair: str) -> str:
        """Return ``name=value`` with its value hidden, and its name too if it is no word."""
        name, equals, value = pair.partition("=")
        if not equals:
            # A name without a value may be a value without a name.
            return self._value(unquote_plus(name))
        return f"{self._names[name]}={self._value(unquote_plus(value))}"

    def _name(self, name: str) -> str:
        words = name.removesuffix("[]").replace("_", "-")
        is_word = _NAME_OF_A_VALUE.fullmatch(name) and _is_of_words(words)
        return name if is_word else self._value(unquote_plus(name))


def keeps_words(path_group: str) -> bool:
    """Tell a path group of which words are left."""
    return any(
        segment and _is_of_words(_DENSITY.sub("", segment)) and segment != "*"
        for segment in path_group.split("/")
    )


def hidden_text(text: str, replace: Callable[[str, str], str]) -> str:
    """Return a text of a proxy with what is neither a word nor a number of an error replaced.

    Args:
        text: Words of Envoy; what a client sent may stand between them.
        replace: Is given ``email`` or ``token``.
    """

    def of_match(found: re.Match[str]) -> str:
        part = found[0]
        if _RUN.fullmatch(part) and (is_plain_word(part) or _ERROR_NUMBER.fullmatch(part)):
            return part
        return replace("email" if "@" in part else "token", part)

    return _IN_TEXT.sub(of_match, text)


def hidden_details(details: str, replace: Callable[[str, str], str]) -> str:
    """Return details of a response code: known ones as they are but for what they quote.

    Args:
        details: As logged.
        replace: Is given ``details`` for details that are not known, which a
            filter of the operator's own may have made of a request; else as
            that of ``hidden_text``.
    """
    known = reading_of(details)
    if known is None:
        return replace("details", details)
    if "*" not in known.match:
        return details
    if known.match == "ext_proc_*":
        # The processing service adds whatever it likes.
        prefix = known.match.removesuffix("*")
        return prefix + replace("details", details.removeprefix(prefix))
    return hidden_text(details, replace)


def is_plain_host(host: str) -> bool:
    """Tell a host that looks like a name which an operator gave, in lower case, without a port."""
    return bool(
        _DNS_NAME.fullmatch(host)
        and not _ADDRESS_IN_WORDS.search(host)
        and not any(map(_TELLING_LABEL.search, host.split(".")))
    )
