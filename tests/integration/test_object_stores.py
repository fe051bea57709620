"""Logs in a real object store say what the same files say, whatever the store does meanwhile."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import generator
from tests.logs_in_a_store import LINES_OF_EACH, OBJECTS, write_many
from tests.object_store import Failures, Store, failing, running_store
from tests.program import run

import envoylogs
from envoylogs.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import CompletedProcess


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with running_store(tmp_path_factory.mktemp("store") / "weed") as found:
        yield found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of many files, plain and compressed, that are one log."""
    return write_many(tmp_path_factory.mktemp("logs") / "logs")


@pytest.fixture(scope="module")
def url(store: Store, files: Path) -> str:
    return store.put(files, "many")


def _run(store: Store, *arguments: str | Path) -> CompletedProcess[bytes]:
    return run(*arguments, environment={**os.environ, **store.environment})


def _summary(store: Store, *arguments: str | Path, code: int = 0) -> Any:
    found = _run(store, "summarize", *arguments, "--format", "json")
    assert found.returncode == code, found.stderr.decode()
    return json.loads(found.stdout)


def _alike(document: Any, *places: str) -> Any:
    """Return a document with the same name for all places."""
    text = json.dumps(document)
    for place in places:
        text = text.replace(place, "PLACE")
    return json.loads(text)


def test_objects_say_what_the_files_say(store: Store, files: Path, url: str) -> None:
    of_files = _summary(store, files)

    assert of_files["overview"]["requests"] > 10_000
    assert _alike(_summary(store, url), url) == _alike(of_files, str(files))
    assert _alike(_summary(store, f"{url}/**/*.log*"), url) == _alike(of_files, str(files))


@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [
        ("2026-11-01/", "2026-11-01/*"),
        ("2026-11-0[12]/*.gz", "2026-11-0[12]/*.gz"),
        ("*/gw 000?.log", "*/gw 000?.log"),
        ("**/*1.log.gz", "**/*1.log.gz"),
    ],
)
def test_patterns_mean_what_they_mean_of_files(
    store: Store, files: Path, url: str, pattern: str, fitting: str
) -> None:
    of_objects = _summary(store, f"{url}/{pattern}")
    of_files = _summary(store, f"{files}/{fitting}")

    assert _alike(of_objects, url) == _alike(of_files, str(files))


def test_every_command_reads_objects(store: Store, files: Path, url: str) -> None:
    for command in (
        ("lines", "--code", "503"),
        ("query", "select authority, count(*) from logs group by all order by all"),
        ("summarize", "--by", "route_name,response_code", "--format", "json"),
        ("columns",),
    ):
        name, *more = command
        words = [f"{url}/2026-11-01/", *more]
        of_objects = _run(store, name, *words)
        of_files = _run(store, name, *(w.replace(url, str(files)) for w in words))
        assert of_objects.returncode == of_files.returncode == 0, of_objects.stderr.decode()
        assert of_objects.stdout.replace(url.encode(), b"") == of_files.stdout.replace(
            str(files).encode(), b""
        )


def test_objects_are_converted(store: Store, files: Path, url: str, tmp_path: Path) -> None:
    ends = [
        _run(store, "convert", f"{place}/2026-11-03/", "-o", tmp_path / name)
        for place, name in ((url, "objects.csv"), (str(files), "files.csv"))
    ]

    assert [end.returncode for end in ends] == [0, 0], ends[0].stderr.decode()
    of_objects, of_files = ((tmp_path / f"{name}.csv").read_text() for name in ("objects", "files"))
    assert of_objects.replace(url, "") == of_files.replace(str(files), "")


def test_the_library_reads_objects(
    store: Store, files: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)

    of_objects = envoylogs.read(f"{url}/2026-11-02/*")

    of_files = envoylogs.read(files / "2026-11-02")
    assert of_objects.drop("source").equals(of_files.drop("source"))
    assert of_objects["source"][0] == f"{url}/2026-11-02/gw 0001.log.gz"


def test_credentials_that_are_put_right_in_a_notebook_are_used(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret-of-anybody")
    with pytest.raises(SourceError):
        envoylogs.scan(f"{url}/2026-11-02/*")

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", store.secret)

    assert envoylogs.scan(f"{url}/2026-11-02/*").head(1).collect().height == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_a_store_that_fails_now_and_then_changes_nothing(
    store: Store, files: Path, url: str, seed: int
) -> None:
    failures = Failures(share=0.1, seed=seed)

    with failing(store, failures) as before:
        of_objects = _summary(before, url)

    assert failures.seen["failed"] > 10
    assert _alike(of_objects, url) == _alike(_summary(store, files), str(files))


def test_an_object_that_vanishes_is_named_and_the_rest_is_read(store: Store, url: str) -> None:
    gone = ("many/2026-11-01/gw 0006.log", "many/2026-11-03/gw 0011.log.gz")
    with failing(store, Failures(gone=lambda key: key in gone)) as before:
        found = _run(before, "summarize", url, "--format", "json")

    assert found.returncode == 1
    assert (
        json.loads(found.stdout)["overview"]["requests"]
        + json.loads(found.stdout)["overview"]["connections"]
        <= (OBJECTS - 2) * LINES_OF_EACH
    )
    assert json.loads(found.stdout)["accounts"]["records"] == (OBJECTS - 2) * LINES_OF_EACH
    said = found.stderr.decode()
    for key in gone:
        assert f"s3://logs/{key}: the object was removed after it was listed" in said


def test_an_object_that_is_written_anew_meanwhile_is_named(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    generator.write(folder / "a.log", 20_000)
    big = store.put(folder, "changing")
    asked = []

    def is_replaced(key: str) -> bool:
        if key.endswith("a.log"):
            asked.append(key)
            if len(asked) == 3:
                store.put_text("changing/a.log", b"{}\n")
        return False

    with failing(store, Failures(gone=is_replaced)) as before:
        found = _run(before, "summarize", f"{big}/")

    assert found.returncode == 1
    assert "the object was written anew while it was read" in found.stderr.decode()


def test_a_copy_is_known_by_its_bytes_as_among_files(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    generator.write(folder / "a.log", 3_000)
    whole = (folder / "a.log").read_bytes()
    (folder / "b.log").write_bytes(whole)
    (folder / "c.log").write_bytes(whole[: whole.index(b"\n", len(whole) // 2) + 1])
    (folder / "d.log.gz").write_bytes(gzip.compress(whole, 1))
    where = store.put(folder, "copies")

    of_objects = _summary(store, where)

    assert of_objects["accounts"]["records"] == 3_000
    assert _alike(of_objects, where) == _alike(_summary(store, folder), str(folder))


def test_a_state_counts_what_is_new_in_an_object(store: Store, tmp_path: Path) -> None:
    generator.write(tmp_path / "a.log", 2_000)
    lines = (tmp_path / "a.log").read_bytes().splitlines(keepends=True)
    state = tmp_path / "state"
    url = store.put_text("state/a.log", b"".join(lines[:800]))
    first = _summary(store, url, "--state", state)
    store.put_text("state/a.log", b"".join(lines))

    second = _summary(store, url, "--state", state)

    assert first["accounts"]["records"] == 800
    assert second["accounts"]["records"] == 2_000
    assert second["overview"] == _summary(store, tmp_path / "a.log")["overview"]


def test_saved_tallies_and_records_are_read_from_a_store(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    log = tmp_path / "a.log"
    generator.write(log, 500)
    assert not _run(store, "summarize", log, "--save-tally", folder / "t.parquet").returncode
    assert not _run(store, "convert", log, "-o", folder / "r.parquet").returncode
    where = store.put(folder, "made")

    for name in ("t.parquet", "r.parquet"):
        of_object = _summary(store, f"{where}/{name}")
        assert of_object["overview"] == _summary(store, folder / name)["overview"]


# --- What is asked of a store -------------------------------------------------------------------


def test_the_first_records_of_a_large_object_are_read_and_little_more(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator.write(tmp_path / "a.log", 60_000)
    url = store.put(tmp_path, "large") + "/a.log"
    failures = Failures()

    with failing(store, failures) as before:
        for name, value in before.environment.items():
            monkeypatch.setenv(name, value)
        found = envoylogs.scan(url).head(10).collect()

    assert found.height == 10
    assert (tmp_path / "a.log").stat().st_size > 45_000_000
    assert failures.bytes_sent < 8_000_000


def test_small_objects_are_asked_for_once(store: Store, url: str) -> None:
    failures = Failures()

    with failing(store, failures) as before:
        _summary(before, url)

    # A page of the list, and each object.
    assert failures.seen["requests"] < OBJECTS * 1.1


# --- What goes wrong ----------------------------------------------------------------------------


def _said(found: CompletedProcess[bytes]) -> str:
    assert found.returncode == 1, found.stdout
    return found.stderr.decode()


def test_what_is_not_there_is_said(store: Store) -> None:
    assert "s3://logs/nothing: no such object, and none below" in _said(
        _run(store, "summarize", "s3://logs/nothing")
    )
    assert "no object fits this pattern" in _said(_run(store, "summarize", "s3://logs/nothing*"))
    assert "NoSuchBucket" in _said(_run(store, "summarize", "s3://nowhere-at-all/a.log"))


_HIDDEN = "s3cr3t"
_MISTAKES = {
    f"s3://me:{_HIDDEN}@logs/a.log": "names no bucket",
    "s3://": "names no bucket",
    "s3://*/a": "names no bucket",
    "s3://logs:80/a": "names no bucket",
    "s3://logs\\a": "names no bucket",
    "https:///a": "names no host",
    "s3://logs/a//b": "such a key can't be asked for",
    "s3://logs/../b": "such a key can't be asked for",
    "s3://logs/many/[z-a]*": "no object fits this pattern",
    f"https://127.0.0.1/a/?sig={_HIDDEN}": "is no file, and behind HTTP nothing can be listed",
    f"http://me:{_HIDDEN}@127.0.0.1:1/a?sig={_HIDDEN}": "no connection to 127.0.0.1:1",
    "az://container/a": "there are no credentials for it",
    "file:///a.log": "file://...: is no URL that is read",
}


@pytest.mark.parametrize("word", _MISTAKES)
def test_mistakes_in_urls_are_said(store: Store, word: str) -> None:
    said = _said(_run(store, "summarize", word))

    assert _MISTAKES[word] in said
    assert "Traceback" not in said
    assert _HIDDEN not in said


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("AWS_ENDPOINT_URL", "nowhere", "AWS_ENDPOINT_URL is no address"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1", "no connection to 127.0.0.1:1"),
        ("AWS_PROFILE", "nobody", "The config profile (nobody) could not be found"),
    ],
)
def test_a_wrong_environment_is_said(store: Store, name: str, value: str, says: str) -> None:
    found = run(
        "summarize", "s3://logs/a", environment={**os.environ, **store.environment, name: value}
    )

    assert says in _said(found)


def test_outputs_are_no_urls(store: Store, url: str) -> None:
    for options in (
        ["-o", "s3://logs/a"],
        ["--save-tally", "s3://logs/a"],
        ["--state", "gs://a/b"],
    ):
        found = _run(store, "summarize", f"{url}/2026-11-01/", *options)
        assert "and not to a URL" in _said(found)


def test_the_configuration_is_read_from_a_store(store: Store) -> None:
    samples = Path("sample_logs").resolve()
    log = store.put(samples / "article", "article")
    mesh = store.put(samples / "manifests/article", "mesh")

    of_objects, of_files = (
        _run(store, "explain", what, "--config", config, "--format", "json")
        for what, config in (
            (log, mesh), (str(samples / "article"), str(samples / "manifests/article")),
        )
    )  # fmt: skip

    assert of_objects.returncode == 0, of_objects.stderr.decode()
    said = _alike(json.loads(of_objects.stdout)["explanations"], log, mesh)
    places = str(samples / "article"), str(samples / "manifests/article")
    assert said == _alike(json.loads(of_files.stdout)["explanations"], *places)
    assert said


def test_credentials_that_are_wrong_are_said_and_none_is_printed(store: Store, url: str) -> None:
    other = {"AWS_SECRET_ACCESS_KEY": "not-the-secret-of-anybody"}

    found = run("summarize", url, environment={**os.environ, **store.environment, **other})

    said = _said(found)
    assert "the store refuses it (403)" in said
    assert other["AWS_SECRET_ACCESS_KEY"] not in said
    assert store.environment["AWS_ACCESS_KEY_ID"] not in said


def test_a_signed_address_is_read_and_never_printed(store: Store, url: str) -> None:
    where = {"Bucket": "logs", "Key": f"{url.rpartition('/')[2]}/2026-11-01/gw 0000.log"}
    signed = store.client.generate_presigned_url("get_object", where)

    found = _run(store, "summarize", signed, "--format", "json")

    assert found.returncode == 0, found.stderr.decode()
    assert json.loads(found.stdout)["accounts"]["records"] == LINES_OF_EACH
    as_text = _run(store, "summarize", signed)
    assert b"Signature" not in found.stdout + found.stderr + as_text.stdout + as_text.stderr
    said = _said(_run(store, "summarize", signed + "x"))
    assert "the store refuses it (4" in said
    assert "Signature=" not in said


def test_without_the_extra_it_is_said_what_to_install() -> None:
    program = (
        "import sys; sys.modules['obstore'] = None\n"
        "sys.argv = ['envoylogs', 'summarize', 's3://logs/a.log']\n"
        "from envoylogs.cli.app import run; run()"
    )

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert found.returncode == 2
    assert "pip install 'envoylogs[remote]'" in found.stderr.decode()


def test_importing_the_library_loads_nothing_of_stores() -> None:
    program = (
        "import sys, envoylogs\n"
        "envoylogs.analyze(sys.argv[1])\n"
        "print({'obstore', 'boto3', 'dask', 'distributed'} & {*sys.modules})"
    )

    found = subprocess.run(
        [sys.executable, "-c", program, "sample_logs/canary"],
        capture_output=True, check=True, text=True,
    )  # fmt: skip

    assert found.stdout == "set()\n"
