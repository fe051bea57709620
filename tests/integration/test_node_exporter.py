"""The real node_exporter reads what the command writes for it, and hands it on unchanged."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmarks import generator, strangers
from tests.exposition import Metrics, exposed
from tests.handmade import HOSTILE_TEXTS, rare_records, text_of

from envoylogs.summary.metrics.catalog import Metric, MetricType
from envoylogs.summary.metrics.families import Family, Sample
from envoylogs.summary.summary import summarize
from envoylogs.tally.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT_S = 30.0
_NAMES = ("prometheus-node-exporter", "node_exporter")
_LISTENING = re.compile(r'msg="Listening on".* address=(?:http://)?(127\.0\.0\.1:[1-9]\d*)')


@pytest.fixture(scope="module")
def program() -> str:
    for name in _NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    words = "needs node_exporter: apt-get install prometheus-node-exporter"
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)


@contextmanager
def _exporter(program: str, folder: Path) -> Iterator[str]:
    """Run node_exporter over a folder and return the address of its metrics."""
    process = subprocess.Popen(
        [
            program,
            "--collector.disable-defaults",
            "--collector.textfile",
            f"--collector.textfile.directory={folder}",
            # The system chooses a port that is free.
            "--web.listen-address=127.0.0.1:0",
            "--web.disable-exporter-metrics",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    stop = threading.Timer(_TIMEOUT_S, process.kill)
    stop.start()
    try:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            found = _LISTENING.search(line)
            if found is not None:
                yield f"http://{found[1]}/metrics"
                return
        pytest.fail("node_exporter does not listen:\n" + "".join(said))
    finally:
        stop.cancel()
        process.terminate()
        process.communicate(timeout=_TIMEOUT_S)


def _scraped(program: str, folder: Path) -> Metrics:
    with (
        _exporter(program, folder) as address,
        urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer,  # noqa: S310
    ):
        return Metrics(answer.read().decode())


def _summarize(*arguments: str | Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "envoylogs", "summarize", *map(str, arguments)],
        check=True,
        capture_output=True,
        timeout=120,
    )


def _assert_read(found: Metrics, path: Path) -> None:
    """Check that node_exporter has read a file, and says of it what it holds."""
    assert found.value("node_textfile_scrape_error") == 0
    assert found.values_of("node_textfile_mtime_seconds", "file") == {str(path)}
    written = Metrics(path.read_text(encoding="utf-8"))
    assert len(written.samples) > 80
    for (name, labels), n in written.samples.items():
        assert found.samples[name, labels] == float(n), (name, labels)
    for name, type_of in written.types.items():
        assert found.types[name] == type_of
    ours = {name for name, _ in found.samples if name.startswith("envoylogs_")}
    assert ours == {name for name, _ in written.samples}


def test_the_metrics_of_a_log_and_of_its_tally_are_collected(program: str, tmp_path: Path) -> None:
    log, tally = tmp_path / "gateway.log", tmp_path / "gateway.tally"
    generator.write(log, 2000)
    folder = tmp_path / "textfile"
    folder.mkdir()
    path = folder / "envoylogs.prom"

    _summarize(log, "--format", "prometheus", "-o", path, "--save-tally", tally)
    of_the_log = path.read_bytes()
    _summarize(tally, "--format", "prometheus", "-o", path)

    assert path.read_bytes() == of_the_log
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()
    assert [found.name for found in folder.iterdir()] == ["envoylogs.prom"]
    found = _scraped(program, folder)
    _assert_read(found, path)
    assert found.total("envoylogs_requests_total") > 1900
    assert found.value("envoylogs_log_lines_total", fate="record") == 2000


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("strangers", b"".join(strangers.lines(1500))),
        ("rare", text_of(rare_records()) + b'{"response_code": 200, "start_t\n\nagent line\n'),
        ("empty", b""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize(
    "limit", [[], ["--limit", "0"], ["--limit", "3"]], ids=["usual", "all", "few"]
)
def test_the_metrics_of_any_log_are_collected(
    name: str, data: bytes, limit: list[str], program: str, tmp_path: Path
) -> None:
    log, folder = tmp_path / f"{name}.log", tmp_path / "textfile"
    log.write_bytes(data)
    folder.mkdir()
    path = folder / "envoylogs.prom"

    _summarize(log, "--format", "prometheus", "-o", path, *limit)

    _assert_read(_scraped(program, folder), path)


def test_any_text_is_collected_as_the_value_of_its_label(program: str, tmp_path: Path) -> None:
    texts = [
        *HOSTILE_TEXTS,
        '"', "\\", '\\"', "\\n", "\n", 'a"} 1\nmade_up_total{authority="b', "\x00", "a\x00b",
        "\r", "\r\n", "\x0b\x0c\x1c\x1d\x1e\x85\x9b\x7f", "\u2028", "\ufeff", "{},=#",
        "a" * 100_000,
    ]  # fmt: skip
    metric = Metric("made_up_total", MetricType.COUNTER, ("authority",), 'A \\ and\n"more".')
    samples = (
        Sample(metric.name, (("authority", text),), number) for number, text in enumerate(texts)
    )
    summary = summarize(Tally.empty())
    summary.metrics = (Family(metric, tuple(samples)),)
    (tmp_path / "made_up.prom").write_text(exposed(summary), encoding="utf-8", newline="")

    found = _scraped(program, tmp_path)

    assert found.value("node_textfile_scrape_error") == 0
    for number, text in enumerate(texts):
        assert found.value("made_up_total", authority=text) == number


def test_node_exporter_tells_a_file_that_it_can_not_read(program: str, tmp_path: Path) -> None:
    (tmp_path / "broken.prom").write_text('a{b="c} 1\n', encoding="utf-8")

    assert _scraped(program, tmp_path).value("node_textfile_scrape_error") == 1
