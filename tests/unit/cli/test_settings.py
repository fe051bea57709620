"""Settings: who wins, what is an error, and that options and settings are the same words."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command
from typer.testing import CliRunner

from envoylogs.cli.app import app_of
from envoylogs.cli.options import variable_of
from envoylogs.cli.settings import SETTINGS, toml_of
from envoylogs.errors import ConfigurationError, EnvoylogsError, MappingError, UnknownKeyError


@pytest.fixture(autouse=True)
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the working directory an empty one; return where the user's file would be."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "envoylogs"
    folder.mkdir(parents=True)
    return folder / "envoylogs.toml"


def _shown(*arguments: str, **variables: str) -> str:
    """Return what ``--show-config`` prints."""
    found = CliRunner().invoke(app_of(), ["summarize", "--show-config", *arguments], env=variables)
    if isinstance(found.exception, EnvoylogsError):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.stdout


def _error(text: str) -> str:
    """Return what is said of a file in the working directory."""
    Path("envoylogs.toml").write_text(text)
    with pytest.raises(ConfigurationError) as found:
        _shown()
    assert str(Path.cwd() / "envoylogs.toml") in str(found.value)
    return str(found.value)


def test_without_files_and_variables_all_is_default() -> None:
    assert _shown() == (
        'format = "text"  # default\n'
        "# limit =  # default\n"
        "# text_format =  # default\n"
        "show_query = false  # default\n"
        "anonymize = false  # default\n"
        "# timezone =  # default\n"
        'color = "auto"  # default\n'
        "strict = false  # default\n"
        "# max_names =  # default\n"
        "# max_latency_rows =  # default\n"
        "# max_joint_rows =  # default\n"
        "\n"
        "[map]\n"
    )


def test_the_nearer_wins(user_file: Path) -> None:
    user_file.write_text("limit = 1\nstrict = true\n")
    assert f"limit = 1  # {user_file}\n" in _shown()

    here = Path.cwd() / "envoylogs.toml"
    here.write_text("limit = 2\n")
    assert f"limit = 2  # {here}\n" in _shown()
    assert f"strict = true  # {user_file}\n" in _shown()

    assert "limit = 3  # ENVOYLOGS_LIMIT\n" in _shown(ENVOYLOGS_LIMIT="3")
    assert "strict = false  # ENVOYLOGS_STRICT\n" in _shown(ENVOYLOGS_STRICT="0")
    assert "limit = 4  # --limit\n" in _shown("-n", "4", ENVOYLOGS_LIMIT="3")
    assert "strict = false  # --no-strict\n" in _shown("--no-strict")


def test_an_empty_variable_sets_nothing() -> None:
    assert "# limit =  # default\n" in _shown(ENVOYLOGS_LIMIT="", ENVOYLOGS_MAP="")


def test_mapped_keys_add_up_column_by_column(user_file: Path) -> None:
    user_file.write_text('map = {authority = "a", method = "m", pod = ["p", "q"]}\n')
    here = Path.cwd() / "envoylogs.toml"
    here.write_text('[map]\nauthority = "b"\n')

    shown = _shown("--map", "duration=took,route_name=Q", ENVOYLOGS_MAP="path=x y, path=z")

    assert shown.partition("[map]\n")[2] == (
        f'authority = "b"  # {here}\n'
        f'method = "m"  # {user_file}\n'
        # The option takes this key from the other column.
        f'pod = "p"  # {user_file}\n'
        'path = ["x y", "z"]  # ENVOYLOGS_MAP\n'
        'duration_ms = "took"  # --map\n'
        'route_name = "Q"  # --map\n'
    )


def test_what_is_shown_may_be_saved() -> None:
    form = '%START_TIME% "%REQ(:PATH)%" \\ \t é\x7f %RESPONSE_CODE%'
    arguments = ("--text-format", form, "--map", "authority=a b,path=x,path=é", "--limit", "3")
    shown = _shown(*arguments, "--format", "json", "--strict")

    Path("envoylogs.toml").write_text(shown, encoding="utf-8")

    assert _values(_shown()) == _values(shown)
    assert _values(shown)["text_format"] == form


def _values(shown: str) -> dict[str, Any]:
    return tomllib.loads(shown)


@pytest.mark.property
@given(st.text() | st.booleans() | st.integers(0))
def test_any_value_is_shown_as_toml(value: str | int) -> None:
    assert tomllib.loads(f"key = {toml_of(value)}") == {"key": value}


def test_half_a_surrogate_pair_is_shown_as_a_letter_that_is_none() -> None:
    assert tomllib.loads(f"key = {toml_of(chr(0xDC80))}") == {"key": "\N{REPLACEMENT CHARACTER}"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lmit = 3", "'lmit' is no setting. Did you mean limit?"),
        ("zzz = 3", "There are format, limit, "),
        ("[summarize]", "'summarize' is no setting"),
        ("limit = true", "limit: give a whole number from 0."),
        ("limit = -1", "limit: give a whole number from 0."),
        ('limit = "3"', "limit: give a whole number from 0."),
        ("strict = 1", "strict: give true or false."),
        ("text_format = 3", "text_format: give text in quotes."),
        (
            'format = "xml"',
            "format: give one of text, json, csv, ndjson, markdown, prometheus.",
        ),
        ('color = ["never"]', "color: give one of auto, always, never."),
        ("map = 3", "map: give a table"),
        ("map = {authority = 3}", "map.authority: give a key, or a list of keys."),
        ('map = {authorty = "a"}', "Did you mean authority"),
        ('map = {pod = "a-b", path = "A.B"}', "mapped to pod and to path"),
        ('map = {pod = ""}', "no key is given for pod"),
        ("limit =", "is not valid TOML: Invalid value (at line 1"),
        ("limit = 1\nlimit = 2", "line 2"),
        ("a = " + "[" * 100_000, "is not valid TOML"),
        ("limit = " + "9" * 5000, "is not valid TOML"),
    ],
)
def test_an_error_names_the_file_and_the_key(text: str, said: str) -> None:
    assert said in _error(text)


def test_a_file_that_can_not_be_read_is_an_error() -> None:
    Path("envoylogs.toml").mkdir()

    with pytest.raises(ConfigurationError, match="can't be read: Is a directory"):
        _shown()


def test_bytes_that_are_no_text_are_an_error_and_a_byte_order_mark_is_none() -> None:
    Path("envoylogs.toml").write_bytes(b"\xef\xbb\xbflimit = 3")
    assert "limit = 3  # " in _shown()

    Path("envoylogs.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="is not valid TOML"):
        _shown()


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"ENVOYLOGS_MAP: map: .*Did you mean authority"):
        _shown(ENVOYLOGS_MAP="authorty=a")
    with pytest.raises(ConfigurationError, match="ENVOYLOGS_MAP: map: 'a' is not COLUMN=KEY"):
        _shown(ENVOYLOGS_MAP="a")

    found = CliRunner().invoke(app_of(), ["summarize"], env={"ENVOYLOGS_LIMIT": "few"})
    assert found.exit_code == 2
    assert "ENVOYLOGS_LIMIT" in found.output


def test_a_wrong_mapping_of_an_option_is_an_error() -> None:
    with pytest.raises(UnknownKeyError, match="Did you mean authority"):
        _shown("--map", "authorty=a")
    with pytest.raises(MappingError, match="'authority' is not COLUMN=KEY"):
        _shown("--map", "authority")


@pytest.mark.parametrize("place", ["", "relative/folder"])
def test_a_config_home_that_is_not_absolute_does_not_count(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", place)
    folder = tmp_path / ".config" / "envoylogs"
    folder.mkdir(parents=True)
    (folder / "envoylogs.toml").write_text("limit = 9")

    assert f"limit = 9  # {folder}" in _shown()


def test_a_working_directory_that_is_gone_has_no_file() -> None:
    gone = Path.cwd() / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()

    assert "# limit =  # default" in _shown()


@pytest.mark.parametrize("arguments", [["--help"], ["summarize", "--help"], ["flags", "NR"]])
def test_help_is_there_whatever_the_files_say(arguments: list[str]) -> None:
    Path("envoylogs.toml").write_text("lmit = 3")

    assert CliRunner().invoke(app_of(), arguments).exit_code == 0


def test_a_command_has_the_settings_of_its_own_options() -> None:
    Path("envoylogs.toml").write_text("limit = 1\ntext_format = '%RESPONSE_FLAGS%'")

    shown = CliRunner().invoke(app_of(), ["lines", "--show-config"]).stdout

    assert sorted(_values(shown)) == ["anonymize", "map", "text_format"]


def test_settings_are_the_options_that_name_a_variable() -> None:
    options = {
        option.envvar: option
        for option in get_command(app_of()).commands["summarize"].params  # type: ignore[attr-defined]
        if getattr(option, "envvar", None)
    }

    assert set(options) == set(map(variable_of, SETTINGS))
    for name in SETTINGS:
        assert options[variable_of(name)].opts[0] == f"--{name.replace('_', '-')}"
