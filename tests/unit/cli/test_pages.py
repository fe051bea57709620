"""What messages and pages point to can be asked for, in an installed program too."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from tests.program import run

from envoylogs import errors, schema
from envoylogs.cli.app import COMMANDS, _with_command
from envoylogs.cli.pages import LIKE_COMMANDS, TOPICS, names, texts_of, titles
from envoylogs.envoy.outcomes import OUTCOME_NAMES
from envoylogs.errors import UnknownKeyError
from envoylogs.mesh.causes import CAUSE_BY_CODE
from envoylogs.problems import PROBLEMS
from envoylogs.reading.fates import REASONS
from envoylogs.summary.findings.catalog import KIND_BY_CODE

_ROOT = Path(__file__).parents[3]
_SLUGS = sorted(
    {
        each.slug
        for each in vars(errors).values()
        if isinstance(each, type) and hasattr(each, "slug")
    }
)


@pytest.mark.parametrize("slug", _SLUGS)
def test_the_name_of_a_message_gives_what_is_said_of_it(slug: str) -> None:
    assert any(text.startswith(f"### {slug}\n") for text in texts_of(slug))


def test_all_that_a_summary_names_can_be_asked_for() -> None:
    assert set(names()) >= {
        *TOPICS, *_SLUGS, *REASONS, *PROBLEMS, *KIND_BY_CODE, *CAUSE_BY_CODE, *OUTCOME_NAMES,
        *schema.NORMALIZED,
    }  # fmt: skip
    for name in names():
        assert texts_of(name)


def test_a_name_of_several_kinds_gives_all() -> None:
    finding, outcome = texts_of("overflow")

    assert finding.startswith("# overflow\n")
    assert outcome.startswith("### overflow\n")


def test_a_cause_that_is_called_like_a_finding_has_a_page_of_its_own() -> None:
    finding, cause, outcome = texts_of("no_endpoints")

    assert "Flag UH" in finding
    assert "ServiceEntry without resolution" in cause
    assert outcome.startswith("### no_endpoints\n")
    assert len(texts_of("no_endpoints#example")) == 2


@pytest.mark.parametrize("page", [*TOPICS, *KIND_BY_CODE, *CAUSE_BY_CODE])
def test_every_link_of_a_page_can_be_followed(page: str) -> None:
    text = "".join(each for each in texts_of(page) if each.startswith("# "))

    assert text
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    assert "](" not in outside
    assert "<!--" not in outside
    for name in re.findall(r"\[help ([^\]]+)\]", outside):
        # The page of the command speaks of links as such.
        assert name in {*COMMANDS, "NAME"} or texts_of(name)


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("lost-route", "# lost_route"),
        ("docs/findings/lost_route.md", "# lost_route"),
        ("findings/README.md", "# Findings"),
        ("query.md", "# SQL"),
        ("docs/causes/shadowed.md", "# shadowed"),
        ("causes/README.md", "# Causes"),
        ("explain.md#secrets", "### Secrets"),
        ("messages#exit-codes", "## Exit codes"),
        ("../outcomes.md#harm", "## Harm"),
        ("Exit codes", "## Exit codes"),
        ("roles", "## Roles"),
        ("path", "# path\n\nA column"),
    ],
)
def test_a_name_may_be_written_as_links_are(name: str, begins: str) -> None:
    assert texts_of(name)[0].startswith(begins)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownKeyError, match=r"called lost_rute\. Did you mean lost_route"):
        texts_of("lost_rute")
    for name in ("messages#nothing", "#", "", "nothing#exit-codes"):
        with pytest.raises(UnknownKeyError):
            texts_of(name)


def test_topics_that_are_called_like_commands_are_asked_for_as_files() -> None:
    assert set(LIKE_COMMANDS) == {*TOPICS} & {*COMMANDS}
    assert _with_command(["help", "query"]) == ["query", "--help"]
    assert _with_command(["help", "query.md"]) == ["help", "query.md"]
    assert {"explain.md", "query.md", "report.md"} <= titles().keys()


def test_a_wheel_has_all_pages_and_no_page_is_left_out() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    shipped = {Path(to).stem for to in packed.values() if to.startswith("envoylogs/docs/")}
    pages = {page.stem for page in (_ROOT / "docs").glob("*.md")}

    assert shipped == {*TOPICS}
    # Those are for who changes the program.
    assert pages - shipped == {"architecture", "reliability"}


def test_no_message_names_a_file_of_the_repository() -> None:
    named = [
        f"{path.name}: {line.strip()}"
        for path in (_ROOT / "src").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"(?<!``)docs/\w+\.md(?!``)", line)
    ]

    assert named == []


def test_help_alone_lists_commands_and_topics() -> None:
    shown = run("help").stdout.decode()

    assert shown.startswith(run("--help").stdout.decode())
    for name in (*COMMANDS, *titles()):
        assert f"\n  {name} " in shown


def test_help_of_a_command_is_its_help() -> None:
    for command in COMMANDS:
        assert run("help", command).stdout == run(command, "--help").stdout


def test_what_an_error_names_can_be_asked_for() -> None:
    said = run("nothing.log").stderr.decode()
    asked = re.search(r"See: envoylogs (help [\w-]+)$", said, re.MULTILINE)

    assert asked is not None
    assert run(*asked[1].split()).stdout.decode().startswith("### source\n")
