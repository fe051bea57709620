"""A real Dask cluster says of logs in a real object store what one process says of the files."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from benchmarks import generator
from distributed import Client
from tests.dask_cluster import Cluster, running_cluster
from tests.logs_in_a_store import OBJECTS, write_many
from tests.object_store import Failures, Store, failing, running_store
from tests.program import run

import envoylogs
from envoylogs.engines import items
from envoylogs.engines.counted import Counted
from envoylogs.engines.dask_cluster import DaskCluster
from envoylogs.errors import EngineError
from envoylogs.keyed.plan import Hooks
from envoylogs.pipeline import tally_sources
from envoylogs.sources.locate import locate
from envoylogs.sources.stop import Stop
from envoylogs.tally.tally import STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

    from envoylogs.tally.tally import Tally


@dataclass(frozen=True)
class Logs:
    """Objects of a store, and the same files here with what they say."""

    store: Store
    url: str
    files: Path
    expected: Tally

    def at(self, store: Store) -> Logs:
        """Return the same asked for in another way."""
        return replace(self, store=store)

    @property
    def environment(self) -> dict[str, str]:
        """What a program is told that reads them."""
        return {**os.environ, **self.store.environment}

    def run(self, *arguments: str | Path) -> CompletedProcess[bytes]:
        """Run the program, which is told of the store."""
        return run(*arguments, environment=self.environment)

    def counted(self, cluster: Cluster, engine: DaskCluster | None = None, **hooks: Any) -> Tally:
        """Return what a cluster counts of the objects."""
        with pytest.MonkeyPatch.context() as patched:
            for name, value in self.store.environment.items():
                patched.setenv(name, value)
            # Some tens of items, as of a large bucket.
            patched.setattr(items, "_LEAST_BYTES", 1)
            patched.setattr(items, "MOST_BYTES", OBJECTS * 1_500)
            engine = engine or DaskCluster(cluster.client)
            return tally_sources(locate([self.url]), engine=engine, hooks=Hooks(**hooks))

    def assert_are(self, found: Tally) -> None:
        """Assert that a tally of the objects is that of the files."""
        for name in STATES:
            of_objects, of_files = (
                sorted(tally.state(name).frame.write_ndjson().replace(place, "AT").splitlines())
                for tally, place in ((found, self.url), (self.expected, str(self.files)))
            )
            assert of_objects == of_files, name


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logs]:
    folder = tmp_path_factory.mktemp("dask")
    files = write_many(folder / "logs")
    with running_store(folder / "weed") as store:
        expected = tally_sources(locate([str(files)]))
        yield Logs(store, store.put(files, "many"), files, expected)


@pytest.fixture(scope="module")
def cluster(logs: Logs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster") / "dask"
    with running_cluster(folder, environment=logs.store.environment) as found:
        yield found


def _summary(found: CompletedProcess[bytes], place: str, code: int = 0) -> Any:
    assert found.returncode == code, found.stderr.decode()
    return json.loads(found.stdout.replace(place.encode(), b"PLACE"))


# --- The same ------------------------------------------------------------------------------------


def test_objects_say_on_a_cluster_what_files_say_here(logs: Logs, cluster: Cluster) -> None:
    found = logs.run("summarize", logs.url, "--scheduler", cluster.address, "--format", "json")

    of_files = logs.run("summarize", logs.files, "--format", "json")
    assert _summary(found, logs.url) == _summary(of_files, str(logs.files))
    assert b"distributed" not in found.stderr


def test_many_items_say_the_same(logs: Logs, cluster: Cluster) -> None:
    found = logs.counted(cluster)

    logs.assert_are(found)


def test_a_large_object_is_read_in_parts_by_all_workers(
    logs: Logs, cluster: Cluster, tmp_path: Path
) -> None:
    generator.write(tmp_path / "large.log", 60_000)
    large = logs.store.put(tmp_path, "large")
    before = _ended(cluster)

    found = logs.run(
        "summarize", large, "--engine", "dask", "--scheduler", cluster.address, "-f", "json"
    )

    here = logs.run("summarize", tmp_path, "--format", "json")
    assert _summary(found, large) == _summary(here, str(tmp_path))
    assert all(n > m for m, n in zip(before, _ended(cluster), strict=True))
    assert max(cluster.memory_mb()) < 500


def _ended(cluster: Cluster) -> list[int]:
    """Return how many tasks each worker has ended."""
    found = cluster.client.run(lambda dask_worker: len(dask_worker.state.log))
    return [found[worker] for worker in sorted(found)]


def test_the_library_takes_a_client(
    logs: Logs, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in logs.store.environment.items():
        monkeypatch.setenv(name, value)

    found = envoylogs.analyze(logs.url, by="method", engine=cluster.client)

    here = envoylogs.analyze(logs.files, by="method")
    assert found.table("by").equals(here.table("by"))
    assert [one.code for one in found.findings] == [one.code for one in here.findings]
    assert cluster.client.status == "running"


def test_a_client_that_can_not_be_asked_is_refused(cluster: Cluster) -> None:
    with Client(cluster.address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        pass

    with pytest.raises(EngineError, match="the client of Dask is closed"):
        envoylogs.analyze("sample_logs/canary", engine=client)


def test_every_command_that_counts_takes_a_cluster(
    logs: Logs, cluster: Cluster, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    for words in (
        ("report", f"{logs.url}/2026-11-01/", "-o", report),
        ("explain", f"{logs.url}/2026-11-01/"),
        ("summarize", f"{logs.url}/2026-11-01/", "--save-tally", tmp_path / "day.tally"),
    ):
        found = logs.run(*words, "--scheduler", cluster.address)
        assert found.returncode == 0, found.stderr.decode()

    assert report.stat().st_size > 100_000
    assert (tmp_path / "day.tally").exists()


# --- What happens meanwhile ----------------------------------------------------------------------


class _Meanwhile:
    """Does something once some items are done."""

    def __init__(self, after: int, act: Callable[[], object]) -> None:
        self._left, self._act = after, act

    def bytes_read(self, _: int) -> None:
        self._left -= 1
        if self._left == 0:
            self._act()

    def lines_read(self, _: int) -> None: ...


def test_a_worker_that_is_killed_meanwhile_loses_nothing(logs: Logs, tmp_path: Path) -> None:
    with running_cluster(tmp_path / "dask", environment=logs.store.environment) as cluster:
        progress = _Meanwhile(5, lambda: os.killpg(cluster.workers[0].pid, signal.SIGKILL))

        found = logs.counted(cluster, progress=progress)

        assert cluster.workers[0].wait() == -signal.SIGKILL
        assert cluster.n_workers() == 1
    logs.assert_are(found)


def test_a_result_that_is_lost_before_it_is_looked_at_is_made_again(
    logs: Logs, tmp_path: Path
) -> None:
    class KillsOnce(DaskCluster):
        lost = 0

        def check(self, ended: Any) -> None:
            if ended.type is Counted and not self.lost:
                found = self._client.who_has([ended])  # type: ignore[no-untyped-call]
                (holders,) = found.values()
                pids = self._client.run(os.getpid)
                os.kill(pids[holders[0]], signal.SIGKILL)
                while ended.status == "finished":
                    time.sleep(0.01)
                self.lost += 1
            super().check(ended)

    with running_cluster(tmp_path / "dask", environment=logs.store.environment) as cluster:
        engine = KillsOnce(cluster.client)

        found = logs.counted(cluster, engine)

    assert engine.lost == 1
    logs.assert_are(found)


def test_a_worker_that_is_restarted_meanwhile_loses_nothing(logs: Logs, tmp_path: Path) -> None:
    with running_cluster(tmp_path / "dask", 0, environment=logs.store.environment) as cluster:
        cluster.start_worker(has_nanny=True)
        cluster.start_worker(has_nanny=True)
        cluster.wait_for(2)
        pids = cluster.client.run(os.getpid)
        one = min(pids.values())

        found = logs.counted(cluster, progress=_Meanwhile(5, lambda: os.kill(one, signal.SIGKILL)),
        )  # fmt: skip

        cluster.wait_for(2)
        assert one not in cluster.client.run(os.getpid).values()
    logs.assert_are(found)


def test_a_worker_that_comes_later_takes_its_part(logs: Logs, tmp_path: Path) -> None:
    with running_cluster(tmp_path / "dask", 0, environment=logs.store.environment) as cluster:
        late = threading.Timer(1.0, cluster.start_worker)
        late.start()

        found = logs.counted(cluster)

        late.join()
    logs.assert_are(found)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_store_that_fails_one_time_in_ten_changes_nothing(
    logs: Logs, tmp_path: Path, seed: int
) -> None:
    failures = Failures(share=0.1, seed=seed)
    with (
        failing(logs.store, failures) as before,
        running_cluster(tmp_path / "dask", environment=before.environment) as cluster,
    ):
        found = logs.at(before).counted(cluster)

    assert failures.seen["failed"] > 20
    logs.assert_are(found)


def test_an_object_that_vanishes_is_named_and_the_rest_is_counted(
    logs: Logs, tmp_path: Path
) -> None:
    gone = ("many/2026-11-01/gw 0006.log", "many/2026-11-03/gw 0011.log.gz")
    with (
        failing(logs.store, Failures(gone=lambda key: key in gone)) as before,
        running_cluster(tmp_path / "dask", environment=before.environment) as cluster,
    ):
        found = logs.at(before).run(
            "summarize", logs.url, "--scheduler", cluster.address, "--format", "json"
        )

    assert found.returncode == 1
    records = json.loads(found.stdout)["accounts"]["records"]
    assert records == logs.expected.lines.of_fate("records") * (OBJECTS - 2) // OBJECTS
    said = found.stderr.decode()
    for key in gone:
        assert f"s3://logs/{key}: the object was removed after it was listed" in said


def test_what_was_counted_is_there_when_somebody_stops_it(logs: Logs, cluster: Cluster) -> None:
    stop = Stop()

    found = logs.counted(cluster, stop=stop, progress=_Meanwhile(3, stop.request))

    records = found.lines.of_fate("records")
    assert records is not None
    assert 0 < records < (logs.expected.lines.of_fate("records") or 0)


def test_ctrl_c_prints_what_was_counted(logs: Logs, tmp_path: Path) -> None:
    for number in range(12):
        generator.write(tmp_path / f"{number}.log", 20_000, seed=number)
    place = logs.store.put(tmp_path, "interrupted")
    with running_cluster(
        tmp_path / "dask",
        1,
        environment={**logs.store.environment, "ENVOYLOGS_DECODER": "reference"},
    ) as slow:
        process = subprocess.Popen(
            [sys.executable, "-m", "envoylogs", "summarize", place, "--scheduler", slow.address,
             "--format", "json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=logs.environment,
        )  # fmt: skip
        worker = psutil.Process(slow.workers[0].pid)
        # It takes some 10 s; a first batch is counted after less than 3.
        while not slow.is_counting():
            time.sleep(0.05)
        before = worker.cpu_times().user
        while worker.cpu_times().user < before + 3:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=120)

    assert process.returncode == 130, said.decode()
    found = json.loads(out)
    assert 0 < found["accounts"]["records"] < 240_000
    assert found["complete"] is False


# --- What is refused -----------------------------------------------------------------------------


def test_a_scheduler_that_is_not_there_is_said(logs: Logs) -> None:
    found = logs.run("summarize", logs.url, "--scheduler", "tcp://127.0.0.1:1")

    assert found.returncode == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in found.stderr.decode()
    assert "Traceback" not in found.stderr.decode()


def test_a_port_where_nobody_says_anything_is_no_scheduler(logs: Logs) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        found = logs.run("summarize", logs.url, "--scheduler", f"tcp://{address}")
        with_user = logs.run("summarize", logs.url, "--scheduler", f"tcp://me:s3cr3t@{address}")

    for said in (found.stderr.decode(), with_user.stderr.decode()):
        assert f"no Dask scheduler answers at tcp://{address}" in said
        assert "s3cr3t" not in said


def test_without_a_worker_it_is_waited_for_until_somebody_stops_that(
    logs: Logs, tmp_path: Path
) -> None:
    with running_cluster(tmp_path / "dask", 0) as cluster:
        process = subprocess.Popen(
            [sys.executable, "-m", "envoylogs", "summarize", logs.url, "--scheduler",
             cluster.address],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=logs.environment,
        )  # fmt: skip
        assert process.stderr is not None
        assert b"has no worker yet" in process.stderr.readline()
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert process.returncode in {1, 130}


def test_a_scheduler_that_goes_meanwhile_is_said(logs: Logs, tmp_path: Path) -> None:
    with running_cluster(tmp_path / "dask", environment=logs.store.environment) as cluster:
        progress = _Meanwhile(3, lambda: os.killpg(cluster.scheduler.pid, signal.SIGKILL))

        with pytest.raises(EngineError, match="scheduler is gone"):
            logs.counted(cluster, progress=progress)


@pytest.mark.parametrize(
    ("package", "version"),
    [("envoylogs", "0.0.7"), ("polars", "1.0.0")],
)
def test_workers_of_other_versions_are_refused_before_work_is_sent(
    logs: Logs, tmp_path: Path, package: str, version: str
) -> None:
    info = tmp_path / "other" / f"{package}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    with running_cluster(tmp_path / "dask", 0, environment=logs.store.environment) as cluster:
        cluster.start_worker({**cluster.environment, "PYTHONPATH": str(info.parent)})
        cluster.wait_for(1)

        found = logs.run("summarize", logs.url, "--scheduler", cluster.address)

    assert found.returncode == 1
    assert f"has {version} of {package}" in found.stderr.decode()


def test_options_that_ask_for_an_order_are_refused(
    logs: Logs, cluster: Cluster, tmp_path: Path
) -> None:
    of_cluster = ("--scheduler", cluster.address)
    for words, says in (
        (("--distinct-requests", *of_cluster), "--distinct-requests: asks for all lines"),
        (("--rejects", tmp_path / "bad", *of_cluster), "--rejects: asks for all lines"),
        (("--last", "1h", *of_cluster), "--last: is decided by the log itself"),
        (("--since", "14:05", *of_cluster), "--since 14:05: is decided by the log itself"),
        (("--state", tmp_path / "state", *of_cluster), "--state reads logs in order"),
        (("--workers", "2", *of_cluster), "--workers is for --engine processes"),
        (("--engine", "processes", *of_cluster), "--scheduler is for --engine dask"),
    ):
        found = logs.run("summarize", logs.url, *words)
        assert found.returncode == 2
        assert says in found.stderr.decode(), words


def test_which_cluster_is_asked_must_be_said(logs: Logs) -> None:
    found = logs.run("summarize", logs.url, "--engine", "dask")

    assert found.returncode == 2
    assert "Give --scheduler tcp://HOST:8786" in found.stderr.decode()


def test_without_the_extra_it_is_said_what_to_install() -> None:
    program = (
        "import sys; sys.modules['distributed'] = None\n"
        "sys.argv = ['envoylogs', 'summarize', 'sample_logs/canary', '--engine', 'dask']\n"
        "from envoylogs.cli.app import run; run()"
    )

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert found.returncode == 2
    assert "pip install 'envoylogs[dask]'" in found.stderr.decode()


def test_importing_the_library_loads_nothing_of_clusters() -> None:
    program = (
        "import sys, envoylogs\n"
        "envoylogs.analyze(sys.argv[1])\n"
        "sys.exit(any(name in sys.modules for name in ('dask', 'distributed', 'obstore')))"
    )

    subprocess.run([sys.executable, "-c", program, "sample_logs/canary"], check=True)
