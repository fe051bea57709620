"""The pages of the documentation, which an installed program has too, and what they speak of.

A name is that of a page, of a section of ``messages`` or ``outcomes``, or of a
column; ``page#section`` is any section, as links have it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from envoylogs.errors import UnknownKeyError, letters_of, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPICS = (
    "cli", "next_question", "findings", "explain", "causes", "outcomes", "failures", "messages",
    "columns", "selection", "formats", "json", "query", "report", "sharing", "remote", "workers",
    "tally", "incremental", "settings", "prometheus", "api", "benchmarks", "performance",
)  # fmt: skip
"""The pages but for those of findings and causes, in the order in which they are listed."""

LIKE_COMMANDS = ("columns", "explain", "query", "report")
"""Topics that are called like a command, whose help their name alone asks for."""

_INDEX = "README"
_CAUSES = "causes"
_FOLDERS = ("findings", _CAUSES)
"""Folders of pages, each with an index, which is the topic of that name."""
_OF_WORDS = ("messages", "outcomes")
"""Pages whose sections are known by their headings alone."""
_COLUMNS = "columns"
_DEPTH_OF_WORDS = 3
_ALIKE = 0.7
"""How alike what is meant must be: most names have something like them."""

_COMMENT = re.compile(r" *<!-- .*-->")
_HEADING = re.compile(r"(#+) (.+)")
_LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]+)\)")
_CELL = re.compile(r"(?<!\\)\|")
_FENCE = "```"


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading and what stands below it, to the next one of its level."""

    page: str
    heading: str
    level: int
    lines: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """How links name it."""
        return re.sub(r"[^\w\- ]", "", self.heading.lower()).replace(" ", "-")

    @property
    def text(self) -> str:
        """What is shown: links as names to ask for, and no comments."""
        shown, in_block = [], False
        for line in self.lines:
            in_block ^= line.startswith(_FENCE)
            if in_block or not _COMMENT.fullmatch(line):
                shown.append(line if in_block else _LINK.sub(self._followed, line))
        return "\n".join(shown).strip() + "\n"

    def _followed(self, link: re.Match[str]) -> str:
        text, target = link.groups()
        if re.match(r"[a-z]+:", target):
            return f"{text} ({target})"
        page, _, anchor = target.partition("#")
        folder = _files()[self.page].parent.name
        name = _page_of(page, folder) if page else self.page
        if name not in _files():
            return text
        return f"{text} [help {f'{_last(name)}#{anchor}' if anchor else _asked_for(name)}]"


def titles() -> dict[str, str]:
    """Return the titles of the topics, by how each is asked for."""
    return {_asked_for(name): next(_sections(name)).heading for name in TOPICS}


def names() -> list[str]:
    """Return all names that pages speak of, each once."""
    return list(dict.fromkeys(name for name, _ in _named()))


def headings_of(page: str) -> list[str]:
    """Return what the sections of ``messages`` or ``outcomes`` are about."""
    return [each.heading for each in _sections(page) if each.level == _DEPTH_OF_WORDS]


def columns() -> list[str]:
    """Return the columns of a record."""
    return [name for name, _ in _columns()]


def texts_of(name: str) -> list[str]:
    """Return what the pages say of a name, the page of that name first.

    Args:
        name: As of ``names``, in any spelling, or ``page#section``.

    Raises:
        UnknownKeyError: If they do not speak of it.
    """
    page, has_anchor, anchor = name.partition("#")
    if has_anchor:
        meant = _last(_page_of(page))
        found = [
            section.text
            for each in _files()
            if not page or _last(each) == meant
            for section in _sections(each)
            if section.anchor == anchor.lower()
        ]
    else:
        wanted = letters_of(_last(_page_of(name)))
        found = [text for known, text in _named() if letters_of(known) == wanted]
    return found or _sections_called(name)


def _sections_called(name: str) -> list[str]:
    """Return any sections with such a heading.

    Raises:
        UnknownKeyError: If there is none.
    """
    headed = [section for page in _files() for section in _sections(page)]
    found = [each.text for each in headed if letters_of(each.heading) == letters_of(name)]
    if not found:
        raise UnknownKeyError(
            f"no command, topic, option, message, finding, cause, outcome, column, flag or detail "
            f"is called {name}.{nearest(name, names(), least=_ALIKE)} All topics: envoylogs help"
        )
    return found


def _asked_for(page: str) -> str:
    return f"{page}.md" if page in LIKE_COMMANDS else _last(page)


def _last(page: str) -> str:
    """Return the name of a page without its folder: a cause may be called like a finding."""
    return page.rpartition("/")[2]


def _page_of(link: str, folder: str = "") -> str:
    """Return the page that a link leads to, which is a name already or a path.

    Args:
        link: Without its section.
        folder: Where the page stands that has it.
    """
    path, _, name = link.removesuffix(".md").rpartition("/")
    of = _last(path) if path else folder
    if name == _INDEX and of in _FOLDERS:
        return of
    of_cause = f"{_CAUSES}/{name}"
    return of_cause if of == _CAUSES and of_cause in _files() else name


@cache
def _files() -> dict[str, Path]:
    """Return the files of the pages: beside the program, or in the tree that it is developed in.

    Those of causes are called ``causes/CODE``.
    """
    here = Path(__file__)
    installed = here.parents[1] / "docs"
    folder = installed if installed.is_dir() else here.parents[3] / "docs"
    topics = {name: folder / f"{name}.md" for name in TOPICS if name not in _FOLDERS}
    in_folders = {
        of if path.stem == _INDEX else f"{of}/{path.stem}" if of == _CAUSES else path.stem: path
        for of in _FOLDERS
        for path in sorted(folder.glob(f"{of}/*.md"))
    }
    return topics | in_folders


def _sections(page: str) -> Iterator[_Section]:
    """Yield the sections of a page; the first is all of it."""
    lines = _files()[page].read_text(encoding="utf-8").splitlines()
    headings, in_block = [], False
    for number, line in enumerate(lines):
        in_block ^= line.startswith(_FENCE)
        if not in_block and (found := _HEADING.fullmatch(line)):
            headings.append((number, len(found[1]), found[2]))
    for place, (start, level, heading) in enumerate(headings):
        behind = (number for number, other, _ in headings[place + 1 :] if other <= level)
        end = next(behind, len(lines))
        yield _Section(page, heading, level, tuple(lines[start:end]))


def _named() -> Iterator[tuple[str, str]]:
    """Yield all names with what is said of each: pages, sections, columns."""
    for page in _files():
        yield _last(page), next(_sections(page)).text
    for page in _OF_WORDS:
        for section in _sections(page):
            if section.level == _DEPTH_OF_WORDS:
                yield section.heading, section.text
    yield from _columns()


def _columns() -> Iterator[tuple[str, str]]:
    """Yield the columns of a record, rows of the first table of their page, with their facts."""
    _, bar, table = next(_sections(_COLUMNS)).text.partition("\n| ")
    header, _, *rows = (
        [cell.strip().replace("\\|", "|") for cell in _CELL.split(line)[1:-1]]
        for line in (bar + table.partition("\n\n")[0]).strip().splitlines()
    )
    for column, *cells in rows:
        name = column.strip("`")
        said = zip(header[1:], cells, strict=True)
        facts = "".join(f"- {kind}: {cell}\n" for kind, cell in said if cell)
        yield name, f"# {name}\n\nA column of a record [help {_COLUMNS}].\n\n{facts}"
