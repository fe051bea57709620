"""The words, numbers and signs of SQL, without its spaces and comments.

Nothing here knows what SQL means: only where a text, a comment or a quoted name
begins and ends, and which parenthesis closes which.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<blank> \s+ | --[^\n]* | /\*.*?\*/ )
    | (?P<text> '(?:[^']|'')*' )
    | (?P<quoted> "(?:[^"]|"")*" | `[^`]*` )
    | (?P<number> (?: \d+\.\d* | \.\d+ | \d+ ) (?: e[+-]?\d+ )? (?!\w) )
    | (?P<word> \w+ )
    | (?P<sign> :: | // | \|\| | <> | [<>!=]= | . )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_CLOSING = {")": "(", "]": "[", "END": "CASE"}


@dataclass(frozen=True, slots=True)
class Token:
    """One part of SQL that is no space and no comment.

    Attributes:
        kind: ``text``, ``quoted`` (a name), ``number``, ``word`` or ``sign``.
        text: As written.
        start: Where it begins.
    """

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the next may begin."""
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        """A word that is not in quotes, in capitals; the sign itself; else nothing."""
        return self.text.upper() if self.kind in {"word", "sign"} else ""

    @property
    def name(self) -> str:
        """What a word or a quoted name may name; else nothing."""
        if self.kind == "quoted":
            return self.text[1:-1].replace('""', '"')
        return self.text if self.kind == "word" else ""

    @property
    def value(self) -> str:
        """What a text says."""
        return self.text[1:-1].replace("''", "'")


class Tokens:
    """SQL as its parts, by their numbers from 0; past either end is an empty sign."""

    def __init__(self, sql: str) -> None:
        self.all = [
            Token(str(part.lastgroup), part[0], part.start())
            for part in _TOKEN.finditer(sql)
            if part.lastgroup != "blank"
        ]
        self.closing: dict[int, int] = {}
        """By the number of a parenthesis, a bracket or ``CASE`` that of what closes it."""
        self.unopened = False
        """Whether a parenthesis closes none."""
        opened: list[int] = []
        for at, token in enumerate(self.all):
            if token.word in _CLOSING.values():
                opened.append(at)
            elif token.word in _CLOSING:
                if opened and self.all[opened[-1]].word == _CLOSING[token.word]:
                    self.closing[opened.pop()] = at
                else:
                    self.unopened = self.unopened or token.word != "END"

    def __len__(self) -> int:
        return len(self.all)

    def __getitem__(self, at: int) -> Token:
        return self.all[at] if 0 <= at < len(self.all) else _NOTHING

    def words(self, at: int, *words: str) -> bool:
        """Tell whether these words or signs stand from a number on."""
        return all(self[at + n].word == word for n, word in enumerate(words))

    def names(self) -> set[str]:
        """Return all words and quoted names, of which some are columns."""
        return {token.name for token in self.all if token.name}

    def directly_in(self, opening: int, word: str) -> list[int]:
        """Return where a word or sign stands inside of a parenthesis, and not inside of others."""
        found: list[int] = []
        at = opening + 1
        while at < self.closing[opening]:
            if self[at].word == word:
                found.append(at)
            at = self.closing.get(at, at) + 1
        return found

    def operand_end(self, at: int) -> int | None:
        """Return the last number of the operand that begins at a number, null if none does.

        An operand is what binds more tightly than any sign of arithmetic: signs in
        front, a value, a name, a call or a group, and what may stand behind these.
        """
        while self[at].word in {"+", "-"}:
            at += 1
        first = self[at]
        if first.word in {"(", "CASE"}:
            found = self.closing.get(at)
            if found is None:
                return None
            at = found
        elif first.kind in {"word", "quoted"}:
            while self[at + 1].word == "." and self[at + 2].kind in {"word", "quoted"}:
                at += 2
            if self[at + 1].word == "(":
                found = self.closing.get(at + 1)
                if found is None:
                    return None
                at = found
        elif first.kind not in {"number", "text"}:
            return None
        return self._behind(at)

    def _behind(self, at: int) -> int:
        """Return the last number of what belongs to the operand that ends at a number."""
        while True:
            following = self[at + 1].word
            if following == "[" or (following in {"FILTER", "OVER"} and self[at + 2].word == "("):
                opening = at + 1 if following == "[" else at + 2
                closing = self.closing.get(opening)
                if closing is None:
                    return at
                at = closing
            elif following == "OVER":
                at += 2
            elif following == "::":
                at = self.type_end(at + 2)
            elif self.words(at + 1, "AT", "TIME", "ZONE"):
                at += 4
            else:
                return at

    def type_end(self, at: int) -> int:
        """Return the last number of the type that begins at a number."""
        if self[at + 1].word in {"UNSIGNED", "PRECISION"}:
            at += 1
        if self[at + 1].word == "(" and at + 1 in self.closing:
            at = self.closing[at + 1]
        if self[at + 1].word == "UNSIGNED":
            at += 1
        if self[at + 1].word in {"WITH", "WITHOUT"} and self.words(at + 2, "TIME", "ZONE"):
            at += 3
        return at


_NOTHING = Token("sign", "", 0)
