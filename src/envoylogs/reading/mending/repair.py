r"""The object that a text means which looks like JSON and is not valid JSON.

Envoy's JSON formatter writes octal escapes, which JSON does not have, into a
string that is not UTF-8 (``source/common/json/json_sanitizer.cc``, from 1.33; by
1.40 no more). And many meshes dress the TEXT encoding as JSON, for the order of
keys: there nothing is escaped, and a missing number is a bare ``-``. Scanners
cause most of this damage, so these records are the last that may be lost.

A value is changed only if it is damaged itself, and then it is read as its
writer wrote it: either with escapes, some of them octal, or with none at all.
Where a value can't be told from what follows it, nothing is repaired: a record
that was cut, or that two processes wrote over one another, would become a
record that nobody logged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import orjson

from envoylogs.reading.mending.refused_values import OUT_OF_RANGE, kept_as_text

KINDS: dict[str, str] = {
    "bare_dash": "a dash stood where a value is missing, without quotes",
    "control_character": "a control character in a string was not escaped",
    "half_record_before": "a whole record stood behind one that was cut, on one line",
    "invalid_utf8": "bytes that are not UTF-8",
    "lone_surrogate": "an escape of half a character (`\\ud800`), which is kept as it stands",
    "missing_value": "nothing stood where a value is missing",
    "number_out_of_range": "`NaN`, `Infinity` or a number that no float holds, kept as text",
    "octal_escape": "octal escapes, which JSON does not have, in a string that is not UTF-8",
    "typographic_quotes": "a word processor changed the quotes",
    "unescaped_backslash": "a backslash in a value was not escaped",
    "unescaped_quote": "a quote in a value was not escaped",
}
"""What is repaired, in words; ``unclear_lines``, ``text_lines`` and ``refused_values`` repair four
of them."""

# What a JSON string may hold. All loops here are possessive: they never go back, so the time
# that a text takes grows no faster than its length.
_ESCAPE = rb'\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})'
_PLAIN = rb'[^"\\\x00-\x1f]*+'
_VALID = _PLAIN + rb"(?:" + _ESCAPE + _PLAIN + rb")*+"
# A string with whatever escapes. None spans lines: what looks like that is two cut records.
_STRING = rb'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"'

# Envoy writes these as octal escapes and nothing else: controls, the quote, the backslash and
# every byte from 0x7f, so the backslash in a path such as \101 is one that was not escaped.
_OCTAL = rb"\\(?:[23][0-7][0-7]|0[0-3][0-7]|042|134|177)"

# What follows a key, up to the first byte of its value or, if there is none, what follows that:
# in a list of quoted words, a word before one like ":authority" is no key.
_OF_KEY = rb'\s*+:\s*+["{\[\-0-9tfn,}]'
# Closing brackets after a string; before another quote they are part of the value.
_CLOSED = rb'\}[\s}\]]*+(?!")'
_VALUE_ENDS = rb"(?=\s*+(?:,\s*+" + _STRING + _OF_KEY + rb"|" + _CLOSED + rb"))"

# As far as nothing is damaged.
_INTACT = re.compile(
    rb'(?:"' + _VALID + rb'"\s*+(?:'
    # a key and its value, if that is a string; otherwise the value comes in another turn,
    rb':\s*+(?:"' + _VALID + rb'"' + _VALUE_ENDS + rb'|(?=[^",}\s]))'
    # a string in an array,
    rb"|(?=[,\]]))"
    # what stands between them, numbers and words.
    rb'|[\s,{}\[\]]++|(?!-\s*+[,}\]])[^\s",:{}\[\]]++)*+'
)
_KEY = re.compile(_STRING + rb"(?=\s*+:)")
_COLON = re.compile(rb"\s*+:\s*+")
_ENDING_VALUE = re.compile(_STRING + _VALUE_ENDS)
_ENDING_ITEM = re.compile(_STRING + rb"(?=\s*+[,\]])")
_DASH = re.compile(rb"-(?=\s*+[,}\]])")
# A dash behind a key whose last letter tells its closing quote from an opening or escaped one: if
# all is valid JSON with null in its place, then it stood outside of strings.
_DASH_OF_KEY = re.compile(rb'"(?<=[\w-]")\s*+:\s*+-(?=\s*+[,}])')

# The end of a value with unescaped quotes. What follows it must look like a member, not only
# like a list of quoted words. A backslash before the last quote of all is no part of a value:
# that is an object inside a string, and cut.
_RAW_VALUE_ENDS = re.compile(
    rb'"(?:(?=\s*+,\s*+"[^"\\{},\x00-\x1f]{1,128}+"' + _OF_KEY + rb")"
    rb'|(?<!\\")(?=\s*+' + _CLOSED + rb"))"
)
# A key inside a value: another object in it, or another record that was written into this one.
_KEY_INSIDE = re.compile(rb'"\s*+:')

_ESCAPED = re.compile(rb'[^"\\]*+(?:(?:' + _ESCAPE + rb"|" + _OCTAL + rb')[^"\\]*+)*+')
_OCTALS = re.compile(rb"\\\\|((?:" + _OCTAL + rb")++)")
_CONTROL = re.compile(rb"[\x00-\x1f]")


def repaired(text: bytes) -> tuple[dict[str, object], tuple[str, ...]] | None:
    """Return the object that a text means which is no valid JSON, and what was repaired in it.

    Commas and spaces behind the object do not count, as in an array of objects.

    Args:
        text: One line, or the lines of a printed object, that begins with ``{``.

    Returns:
        The object and the kinds of damage (``KINDS``), sorted; None if it can't be told what
        the text means.
    """
    text = text.strip().rstrip(b", \t\r\n")
    utf8 = _as_utf8(text)
    kinds = set() if utf8 is text else {"invalid_utf8"}
    mended = _mended(utf8)
    if mended is None:
        kept, refused = kept_as_text(utf8)
        mended = _mended(kept) if refused else None
        kinds.update(refused)
    if mended is None:
        return None
    found, of_others = mended
    if OUT_OF_RANGE in kinds and "unescaped_quote" in of_others:
        # Then a number may have stood in a string.
        return None
    return found, tuple(sorted(kinds | of_others))


def _mended(utf8: bytes) -> tuple[dict[str, object], set[str]] | None:
    """Return the object that a text of UTF-8 means, and what was repaired in it."""
    found = _loaded(utf8)
    if found is not None:
        return found, set()
    # Where dashes are bare, most records have some and nothing else is damaged.
    dashed, n = _DASH_OF_KEY.subn(b'": null', utf8)
    found = _loaded(dashed) if n else None
    if found is not None:
        return found, {"bare_dash"}
    repair = _Repair(utf8)
    found = _loaded(b"".join(repair.parts)) if repair.run() else None
    return None if found is None else (found, repair.kinds)


def _as_utf8(text: bytes) -> bytes:
    """Return text with a replacement character for each byte that is not UTF-8."""
    if text.isascii():
        return text
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace").encode()
    return text


def _loaded(text: bytes) -> dict[str, object] | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


@dataclass(slots=True)
class _Repair:
    """One pass over a text, from one damaged place to the next.

    Whether brackets match and values are values is left to the parser that
    reads the parts in the end.

    Attributes:
        text: The text.
        kinds: The kinds of damage found.
        parts: The text as repaired so far.
        place: Where the text goes on that is not yet in the parts.
    """

    text: bytes
    kinds: set[str] = field(default_factory=set)
    parts: list[bytes] = field(default_factory=list)
    place: int = 0

    def run(self) -> bool:
        """Go through the text; tell whether something was repaired and nothing is in doubt."""
        while self._keep(_INTACT.match(self.text, self.place)):
            if self.place == len(self.text):
                return len(self.parts) > 1
            if not self._mend():
                return False
        return False

    def _keep(self, match: re.Match[bytes] | None) -> bool:
        """Take over what a pattern matched at this place; tell whether it did."""
        if match is None:
            return False
        self.parts.append(match[0])
        self.place = match.end()
        return True

    def _mend(self) -> bool:
        """Repair what stands at this place; tell whether that can be done."""
        key = _KEY.match(self.text, self.place)
        if key is not None:
            self._mend_string(key)
            return self._keep(_COLON.match(self.text, self.place)) and self._mend_value()
        item = _ENDING_ITEM.match(self.text, self.place)
        if item is not None:
            self._mend_string(item)
            return True
        return self._mend_dash()

    def _mend_value(self) -> bool:
        """Repair the value of a key, if it is damaged."""
        start = self.text[self.place : self.place + 1]
        if start == b'"':
            value = _ENDING_VALUE.match(self.text, self.place)
            if value is None:
                return self._mend_raw_value()
            self._mend_string(value)
        elif start in (b",", b"}"):
            self.parts.append(b"null")
            self.kinds.add("missing_value")
        return True

    def _mend_dash(self) -> bool:
        if _DASH.match(self.text, self.place) is None:
            return False
        self.parts.append(b"null")
        self.place += 1
        self.kinds.add("bare_dash")
        return True

    def _mend_string(self, string: re.Match[bytes]) -> None:
        self.parts.append(_quoted(self.text[string.start() + 1 : string.end() - 1], self.kinds))
        self.place = string.end()

    def _mend_raw_value(self) -> bool:
        """Repair a value that does not end at the first quote that could end it."""
        end = _RAW_VALUE_ENDS.search(self.text, self.place + 1)
        if end is None:
            return False
        content = self.text[self.place + 1 : end.start()]
        if b"\n" in content or _KEY_INSIDE.search(content):
            return False
        self.parts.append(_quoted(content, self.kinds))
        self.place = end.end()
        return True


def _quoted(content: bytes, kinds: set[str]) -> bytes:
    r"""Return what stands between the quotes of a string as a JSON string.

    One backslash that escapes nothing, or one quote that is not escaped, tells
    that the writer escaped nothing: then no backslash in the value is an escape,
    not even in ``C:\dir\new``.

    Args:
        content: The content, in UTF-8.
        kinds: The kinds of damage found, to be added to.
    """
    if _CONTROL.search(content):
        kinds.add("control_character")
    if _ESCAPED.fullmatch(content) is None:
        if b'"' in content:
            kinds.add("unescaped_quote")
        if b"\\" in content:
            kinds.add("unescaped_backslash")
        return b'"' + _escaped(content) + b'"'
    content = _CONTROL.sub(_control_escape, content)
    decoded = _OCTALS.sub(_octals_as_text, content)
    if decoded != content:
        kinds.add("octal_escape")
    return b'"' + decoded + b'"'


def _escaped(content: bytes) -> bytes:
    """Return text, in which nothing is an escape, as it stands in a JSON string."""
    content = content.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return _CONTROL.sub(_control_escape, content)


def _control_escape(control: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(control[0])


def _octals_as_text(match: re.Match[bytes]) -> bytes:
    """Return a run of octal escapes as JSON; an escaped backslash is no part of one."""
    if match[1] is None:
        return match[0]
    octals = match[1].split(b"\\")[1:]
    return _escaped(_as_utf8(bytes(int(octal, 8) for octal in octals)))
