"""Which sources the words of a command line mean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.errors import SourceError
from envoylogs.sources.locate import locate
from envoylogs.sources.source import STDIN_NAME, Source


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, which is the current one too."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _write(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def _names(*words: str) -> list[str]:
    return [source.name for source in locate(words)]


@pytest.mark.usefixtures("logs")
def test_a_file_is_named_as_it_was_given() -> None:
    _write("gateway.log")

    assert locate(["./gateway.log"]) == [Source("./gateway.log", "./gateway.log")]


def test_a_dash_is_the_pipe() -> None:
    assert locate(["-"]) == [Source(STDIN_NAME, None)]


@pytest.mark.usefixtures("logs")
def test_words_are_read_in_their_order() -> None:
    _write("b.log", "a.log")

    assert _names("b.log", "-", "a.log") == ["b.log", STDIN_NAME, "a.log"]


def test_no_words_mean_no_source() -> None:
    assert locate([]) == []


@pytest.mark.usefixtures("logs")
def test_a_folder_is_read_in_the_order_of_names_at_every_depth() -> None:
    _write("logs/b.log", "logs/a/2.log", "logs/a/1.log", "logs/c/d/e.log", "logs/a.log")

    assert _names("logs") == [
        "logs/a/1.log",
        "logs/a/2.log",
        "logs/a.log",
        "logs/b.log",
        "logs/c/d/e.log",
    ]


@pytest.mark.usefixtures("logs")
def test_what_was_found_in_a_folder_or_by_a_glob_is_known_as_found() -> None:
    _write("logs/a.log")

    assert [source.found for source in locate(["logs"])] == [True]
    assert [source.found for source in locate(["logs/*"])] == [True]
    assert [source.found for source in locate(["logs/a.log"])] == [False]


@pytest.mark.usefixtures("logs")
def test_hidden_files_and_folders_are_not_read_unless_named() -> None:
    _write("logs/.hidden.log", "logs/.git/config", "logs/a.log", ".secret/b.log")

    assert _names("logs") == ["logs/a.log"]
    assert _names("logs/.hidden.log") == ["logs/.hidden.log"]
    assert _names(".secret") == [".secret/b.log"]


@pytest.mark.usefixtures("logs")
def test_pipes_and_broken_links_in_a_folder_are_not_read() -> None:
    _write("logs/a.log")
    os.mkfifo("logs/pipe")
    Path("logs/broken.log").symlink_to("nowhere.log")

    assert _names("logs") == ["logs/a.log"]


@pytest.mark.usefixtures("logs")
def test_a_glob_is_read_in_the_order_of_names() -> None:
    _write("b.log", "a.log", "c.txt", ".hidden.log")

    assert _names("*.log") == ["a.log", "b.log"]
    assert _names("[b-c].*") == ["b.log", "c.txt"]


@pytest.mark.usefixtures("logs")
def test_two_stars_reach_every_depth() -> None:
    _write("logs/a.log", "logs/deep/er/b.log", "logs/deep/note.txt")

    assert _names("logs/**/*.log") == ["logs/a.log", "logs/deep/er/b.log"]


@pytest.mark.usefixtures("logs")
def test_a_glob_may_match_folders() -> None:
    _write("pods/one/a.log", "pods/two/b.log")

    assert _names("pods/*") == ["pods/one/a.log", "pods/two/b.log"]


@pytest.mark.usefixtures("logs")
def test_a_file_whose_name_looks_like_a_glob_is_that_file() -> None:
    _write("gateway[1].log", "gateway1.log")

    assert _names("gateway[1].log") == ["gateway[1].log"]


@pytest.mark.usefixtures("logs")
def test_the_same_file_under_other_names_is_read_once_and_named_as_first_given() -> None:
    _write("logs/a.log")
    Path("link.log").symlink_to("logs/a.log")
    Path("hard.log").hardlink_to("logs/a.log")
    absolute = str(Path("logs/a.log").resolve())
    names = ["./logs/../logs/a.log", "logs/a.log", "link.log", "hard.log", "logs", "l*.log"]

    assert _names(*names, absolute) == ["./logs/../logs/a.log"]
    assert _names("hard.log", *names, absolute) == ["hard.log"]
    assert _names("-", "-") == [STDIN_NAME]


@pytest.mark.usefixtures("logs")
def test_files_of_the_same_content_are_different_files() -> None:
    Path("a.log").write_bytes(b"x\n")
    Path("b.log").write_bytes(b"x\n")

    assert _names("a.log", "b.log") == ["a.log", "b.log"]


@pytest.mark.usefixtures("logs")
@pytest.mark.parametrize("word", ["nowhere.log", "nowhere/a.log", "note.txt/a.log", "a\0b", "-x"])
def test_a_missing_path_is_named(word: str) -> None:
    _write("note.txt")

    with pytest.raises(SourceError, match="no such file or folder"):
        locate([word])


@pytest.mark.usefixtures("logs")
def test_a_broken_link_that_is_named_is_missing() -> None:
    Path("broken.log").symlink_to("nowhere.log")
    Path("loop.log").symlink_to("loop.log")

    for name in ("broken.log", "loop.log"):
        with pytest.raises(SourceError, match=f"{name}: no such file or folder"):
            locate([name])


@pytest.mark.usefixtures("logs")
def test_a_glob_that_matches_nothing_is_named() -> None:
    with pytest.raises(SourceError, match=r"\*\.log: no file matches"):
        locate(["*.log"])


@pytest.mark.usefixtures("logs")
def test_a_folder_without_a_file_is_named() -> None:
    Path("logs/empty").mkdir(parents=True)
    Path("logs/.hidden").write_bytes(b"x")

    with pytest.raises(SourceError, match="logs: the folder holds no file"):
        locate(["logs"])


@pytest.mark.usefixtures("logs")
def test_nothing_is_read_if_one_word_means_nothing() -> None:
    _write("a.log")

    with pytest.raises(SourceError, match=r"b\.log"):
        locate(["a.log", "b.log"])


@pytest.mark.usefixtures("logs")
def test_an_empty_word_as_of_an_unset_variable_is_not_the_current_folder() -> None:
    _write("private.log")

    with pytest.raises(SourceError):
        locate([""])


@pytest.mark.usefixtures("logs")
def test_a_name_that_the_system_refuses_is_named() -> None:
    with pytest.raises(SourceError):
        locate(["a" * 300])


@pytest.mark.usefixtures("logs")
def test_a_glob_passes_over_an_empty_folder_beside_files() -> None:
    _write("pods/one.log")
    Path("pods/empty").mkdir()

    assert _names("pods/*") == ["pods/one.log"]


@pytest.mark.property
@given(
    st.lists(
        st.lists(st.sampled_from(("a", "b", "c", ".d")), min_size=1, max_size=3).map("/".join),
        unique=True,
    )
)
def test_every_visible_file_of_a_folder_is_found_once(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    for name in names:
        path = folder / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x\n")
    visible = {f"{name}.log" for name in names if not name.startswith(".") and "/." not in name}

    if not visible:
        with pytest.raises(SourceError):
            locate([str(folder)])
        return
    found = [str(Path(source.name).relative_to(folder)) for source in locate([str(folder)])]

    assert sorted(found) == sorted(visible)
    assert found == sorted(found, key=lambda name: Path(name).parts)


@pytest.mark.usefixtures("logs")
def test_a_source_knows_its_size_before_reading_if_it_is_a_file() -> None:
    _write("a.log")
    os.mkfifo("pipe")

    assert locate(["a.log"])[0].size == len("a.log")
    assert locate(["-"])[0].size is None
    assert locate(["pipe"])[0].size is None


@pytest.mark.usefixtures("logs")
def test_a_file_that_vanished_since_is_named_when_it_is_opened() -> None:
    _write("a.log")
    (source,) = locate(["a.log"])
    Path("a.log").unlink()

    with pytest.raises(SourceError, match=r"a\.log: no such file"), source.open_raw():
        pass


def _refuse_to_list(monkeypatch: pytest.MonkeyPatch, *refused: str) -> None:
    # Permissions do not keep root from anything.
    scandir = os.scandir

    def guarded(path: str) -> object:
        if str(path) in refused:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)


@pytest.mark.usefixtures("logs")
@pytest.mark.parametrize("word", ["logs", "logs/**/*.log", "logs/*/*.log"])
def test_a_folder_within_that_can_not_be_listed_is_a_source_with_a_problem(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write("logs/b/shut/x.log", "logs/c/y.log")
    _refuse_to_list(monkeypatch, "logs/b/shut", "logs/b") if word == "logs/*/*.log" else (
        _refuse_to_list(monkeypatch, "logs/b/shut")
    )

    found = locate([word])

    shut = "logs/b" if word == "logs/*/*.log" else "logs/b/shut"
    assert sorted((source.name, source.problem) for source in found) == [
        (shut, "unlisted_folder"),
        ("logs/c/y.log", None),
    ]


@pytest.mark.usefixtures("logs")
def test_a_folder_that_can_not_be_listed_itself_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _write("logs/x.log")
    _refuse_to_list(monkeypatch, "logs")

    with pytest.raises(SourceError, match=r"logs: can't be read: Permission denied\."):
        locate(["logs"])
