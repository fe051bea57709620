"""The real kubectl, piped by a real shell into the command, from pods that write a known log.

What kubectl prints of a log must give what the log gives from a file: with
its prefixes, of one pod and of several, followed, broken off and refused.
"""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import generator
from tests.kubernetes_api import NAMESPACE, ContainerLog, KubernetesApi, Pod, serving

from envoylogs.pipeline import tally_sources
from envoylogs.render.records import write_json
from envoylogs.sources.locate import locate
from envoylogs.summary.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parents[2]
_TIMEOUT_S = 60.0
"""When a test fails rather than wait on."""

_POD_1, _POD_2 = "istio-ingressgateway-7c9d5f6b8-4xk2p", "istio-ingressgateway-7c9d5f6b8-q8zls"
_SELECTOR = "-l app=istio-ingressgateway"
_JSON = "--format json"

_AGENT_LINES = (
    b"2026-11-24T18:15:04.101503Z\tinfo\tReadiness succeeded in 1.204s",
    b"2026-11-24T18:15:11.480012Z\twarning\tenvoy config external/envoy/source/extensions/"
    b"config_subscription/grpc/grpc_stream.h:193\tStreamAggregatedResources gRPC config stream "
    b"to xds-grpc closed since 31s ago: 14, connection error\tthread=21",
    b"[2026-11-24 18:15:20.001][15][warning][config] [source/common/config/grpc_stream.h:101] "
    b"StreamAggregatedResources gRPC config stream closed: 14, no healthy upstream",
    b'{"level":"info","time":"2026-11-24T18:15:30.000000Z","scope":"xdsproxy",'
    b'"msg":"connected to upstream XDS server: istiod.istio-system.svc:15012"}',
)
"""What a gateway's container prints beside its access log, in the forms of several releases."""


@dataclass(frozen=True, slots=True)
class _Finished:
    """What came of a pipeline.

    Attributes:
        out: Its standard output.
        errors: The standard error of all its commands.
        codes: The exit code of each of its commands; 128 and more is a signal.
    """

    out: bytes
    errors: str
    codes: list[int]

    @property
    def document(self) -> dict[str, Any]:
        """The summary that was printed as JSON."""
        found: dict[str, Any] = json.loads(self.out)
        return found


class _Running:
    """A pipeline in a process group of its own, as a terminal starts it."""

    def __init__(self, process: subprocess.Popen[bytes], codes: Path) -> None:
        self.process = process
        self._codes = codes

    def interrupt(self) -> None:
        """Do what Ctrl-C does: send SIGINT to all commands at once."""
        os.killpg(self.process.pid, signal.SIGINT)

    def next_line(self) -> bytes:
        """Return the next line of standard output, as soon as it is written."""
        assert self.process.stdout is not None
        with _ended_late(self.process):
            return self.process.stdout.readline()

    def finish(self) -> _Finished:
        """Wait for the end of all commands."""
        out, errors = self.process.communicate(timeout=_TIMEOUT_S)
        codes = [int(code) for code in self._codes.read_text().split()]
        return _Finished(out, errors.decode(), codes)

    def close(self) -> None:
        """End what is left of the commands."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


@contextmanager
def _ended_late(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process group, and thereby a read from it, that takes too long."""
    timer = threading.Timer(_TIMEOUT_S, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


class _Shell:
    """A shell whose kubectl asks the tests' API server and whose envoylogs is this one.

    Args:
        folder: Its home, for all that is written.
        url: Where the API server is.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        commands = folder / "bin"
        commands.mkdir()
        envoylogs = commands / "envoylogs"
        envoylogs.write_text(
            f"#!/bin/sh\necho $$ >{shlex.quote(str(folder / 'pid'))}\n"
            f'exec {shlex.quote(sys.executable)} -m envoylogs "$@"\n'
        )
        envoylogs.chmod(0o755)
        config = folder / "kubeconfig"
        context = {"cluster": "tests", "user": "tests", "namespace": NAMESPACE}
        # YAML may be written as JSON.
        config.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "tests", "cluster": {"server": url}}],
                    "users": [{"name": "tests", "user": {}}],
                    "contexts": [{"name": "tests", "context": context}],
                    "current-context": "tests",
                }
            )
        )
        # As users have it: kubectl would ask a proxy, and Python would not gather its output.
        self._environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.lower().endswith("_proxy") and name != "PYTHONUNBUFFERED"
            },
            "PATH": f"{commands}:{os.environ['PATH']}",
            "HOME": str(folder),
            "KUBECONFIG": str(config),
            "KUBECACHEDIR": str(folder / "cache"),
        }
        self._running: list[_Running] = []

    def start(self, pipeline: str) -> _Running:
        """Start a pipeline."""
        codes = self.folder / f"codes-{len(self._running)}"
        # The trap keeps the shell alive at Ctrl-C, so that it can tell the codes; its commands
        # do not inherit it.
        script = f'trap : INT\n{pipeline}\necho "${{PIPESTATUS[@]}}" >{shlex.quote(str(codes))}\n'
        process = subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", script],  # noqa: S607  # the user's own
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self._environment,
            start_new_session=True,
        )
        self._running.append(_Running(process, codes))
        return self._running[-1]

    def run(self, pipeline: str) -> _Finished:
        """Run a pipeline to its end."""
        return self.start(pipeline).finish()

    def wait_until_read(self, size: int) -> None:
        """Wait until envoylogs has read so many bytes of its pipe, as `tee seen` tells.

        `tee` writes to the pipe first. So what is in the file is or was in the
        pipe, and an empty pipe of a process that sleeps then means that all of
        it was read and more is waited for.
        """
        import fcntl
        import termios

        seen, pid = self.folder / "seen", self.folder / "pid"
        deadline = time.monotonic() + _TIMEOUT_S
        while time.monotonic() < deadline:
            if seen.exists() and seen.stat().st_size == size and pid.exists():
                pipe = os.open(f"/proc/{pid.read_text().strip()}/fd/0", os.O_RDONLY)
                waiting = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
                os.close(pipe)
                if not any(waiting) and _sleeps(pid.read_text().strip()):
                    return
            time.sleep(0.01)
        pytest.fail(f"envoylogs did not read {size} bytes")

    def close(self) -> None:
        """End all pipelines."""
        for running in self._running:
            running.close()


def _sleeps(pid: str) -> bool:
    """Tell whether a process waits for something, as the state behind its name says."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


@pytest.fixture(scope="module", autouse=True)
def _kubectl() -> None:
    if shutil.which("kubectl") is None:
        words = "needs kubectl: apt-get install kubernetes-client"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)


@pytest.fixture
def api() -> Iterator[KubernetesApi]:
    with serving() as served:
        yield served


@pytest.fixture
def shell(tmp_path: Path, api: KubernetesApi) -> Iterator[_Shell]:
    opened = _Shell(tmp_path, api.url)
    yield opened
    opened.close()


@pytest.fixture(params=["json", "text"])
def logs(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """The logs of two pods of one gateway, by pod, with lines of the agent between."""
    folder = (
        _ROOT / "sample_logs" / ("text/lost-route" if request.param == "text" else "lost-route")
    )
    return {
        pod: _with_agent_lines((folder / f"gateway-{number}.{request.param}.log").read_bytes())
        for number, pod in enumerate((_POD_1, _POD_2), 1)
    }


@pytest.fixture
def log(logs: dict[str, bytes]) -> bytes:
    """The log of the first pod."""
    return logs[_POD_1]


def _with_agent_lines(log: bytes) -> bytes:
    lines = log.splitlines(keepends=True)
    for number, line in enumerate(_AGENT_LINES):
        lines.insert(number * 31, line + b"\n")
    return b"".join(lines)


def _gateway(name: str, log: ContainerLog, **others: ContainerLog) -> Pod:
    return Pod(name, {"istio-proxy": log, **others})


def _of_file(folder: Path, log: bytes) -> dict[str, Any]:
    """Return the summary of a file that holds a log."""
    path = folder / "gateway.log"
    path.write_bytes(log)
    printed = io.StringIO()
    write_json(summarize(tally_sources(locate([str(path)]))), printed)
    document: dict[str, Any] = json.loads(printed.getvalue())
    assert document["accounts"]["records"] > 0
    return document


def _tables(document: dict[str, Any]) -> dict[str, Any]:
    """Return what was counted of the records, but for the name that their gateway goes by.

    A prefix names the pod; without it the gateway's own address stands for it.
    """
    names = ("overview", "by", "groups", "rejections", "splits", "timeline")
    tables = {name: document[name] for name in names}
    tables["by"] = {column: rows for column, rows in tables["by"].items() if column != "gateway"}
    return tables


def _lines(document: dict[str, Any]) -> dict[str, Any]:
    """Return the fates of lines."""
    names = ("lines", "record_lines", "other", "malformed_by_reason", "records", "repaired")
    return {name: document["accounts"][name] for name in names}


def _gateways(document: dict[str, Any]) -> dict[str, int]:
    return {row["gateway"]: row["records"] for row in document["accounts"]["gateways"]}


# --- A whole log --------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["envoylogs", "envoylogs summarize -"])
def test_the_log_of_a_pod_gives_what_its_file_gives(
    command: str, shell: _Shell, api: KubernetesApi, log: bytes
) -> None:
    api.add(_gateway(_POD_1, ContainerLog(log)))

    found = shell.run(f"kubectl logs {_POD_1} -c istio-proxy | {command} {_JSON}")

    assert found.codes == [0, 0], found.errors
    whole = _of_file(shell.folder, log)
    for document in (found.document, whole):
        for row in (*document["accounts"]["sources"], *document["accounts"]["examples"]):
            del row["source"]
        for finding in document["findings"]:
            for example in finding["examples"]:
                del example["source"]
    assert found.document["accounts"]["other"] == len(_AGENT_LINES)
    assert _lines(found.document) == _lines(whole)
    assert _tables(found.document) == _tables(whole)
    assert _gateways(found.document) == _gateways(whole)


def test_a_deployment_gives_the_log_of_the_pod_that_kubectl_names(
    shell: _Shell, api: KubernetesApi, logs: dict[str, bytes]
) -> None:
    api.add(*(_gateway(pod, ContainerLog(log)) for pod, log in logs.items()))

    found = shell.run(
        f"kubectl logs -n istio-system deploy/istio-ingressgateway | envoylogs {_JSON}"
    )

    assert found.codes == [0, 0], found.errors
    (named,) = [pod for pod in logs if f"Found 2 pods, using pod/{pod}" in found.errors]
    whole = _of_file(shell.folder, logs[named])
    assert _lines(found.document) == _lines(whole)
    assert _tables(found.document) == _tables(whole)


def test_pods_asked_one_after_another_give_the_sum(
    shell: _Shell, api: KubernetesApi, logs: dict[str, bytes]
) -> None:
    api.add(*(_gateway(pod, ContainerLog(log)) for pod, log in logs.items()))

    found = shell.run(
        f"kubectl get pods {_SELECTOR} -o name | xargs -n 1 kubectl logs | envoylogs {_JSON}"
    )

    assert found.codes == [0, 0, 0], found.errors
    whole = _of_file(shell.folder, b"".join(logs.values()))
    assert _lines(found.document) == _lines(whole)
    assert _tables(found.document) == _tables(whole)
    assert _gateways(found.document) == _gateways(whole)


# --- Prefixes -----------------------------------------------------------------------------------


def test_timestamps_change_nothing(shell: _Shell, api: KubernetesApi, log: bytes) -> None:
    api.add(_gateway(_POD_1, ContainerLog(log)))

    found = shell.run(f"kubectl logs {_POD_1} --timestamps | envoylogs {_JSON}")

    assert found.codes == [0, 0], found.errors
    whole = _of_file(shell.folder, log)
    assert _lines(found.document) == _lines(whole)
    assert _tables(found.document) == _tables(whole)
    assert _gateways(found.document) == _gateways(whole)


@pytest.mark.parametrize("options", ["--prefix", "--prefix --timestamps"])
def test_a_prefix_names_the_gateway_and_changes_nothing_else(
    options: str, shell: _Shell, api: KubernetesApi, log: bytes
) -> None:
    api.add(_gateway(_POD_1, ContainerLog(log)))

    found = shell.run(f"kubectl logs {_POD_1} {options} | envoylogs {_JSON}")

    assert found.codes == [0, 0], found.errors
    whole = _of_file(shell.folder, log)
    assert _lines(found.document) == _lines(whole)
    assert _tables(found.document) == _tables(whole)
    assert _gateways(found.document) == {_POD_1: whole["accounts"]["records"]}


@pytest.mark.parametrize("options", ["--prefix", "--prefix --timestamps"])
def test_pods_of_a_selector_are_told_apart_by_their_prefix(
    options: str, shell: _Shell, api: KubernetesApi, logs: dict[str, bytes]
) -> None:
    api.add(*(_gateway(pod, ContainerLog(log)) for pod, log in logs.items()))

    found = shell.run(f"kubectl logs {_SELECTOR} --tail=-1 {options} | envoylogs {_JSON}")

    assert found.codes == [0, 0], found.errors
    whole = _of_file(shell.folder, b"".join(logs.values()))
    assert _lines(found.document) == _lines(whole)
    assert _tables(found.document) == _tables(whole)
    assert _gateways(found.document) == {
        pod: log.count(b"\n") - len(_AGENT_LINES) for pod, log in logs.items()
    }
    by_gateway = {row["gateway"]: row["requests"] for row in found.document["by"]["gateway"]}
    assert by_gateway.keys() == logs.keys()
    assert sum(by_gateway.values()) == whole["overview"]["requests"]


def test_lines_of_other_containers_are_of_other_programs(
    shell: _Shell, api: KubernetesApi, log: bytes
) -> None:
    shipped = b"".join(b"shipped chunk %d of the log\n" % number for number in range(7))
    pod = Pod(_POD_1, {"istio-proxy": ContainerLog(log), "log-shipper": ContainerLog(shipped)})
    api.add(pod)

    bare, prefixed = (
        shell.run(f"kubectl logs {_POD_1} --all-containers {options} | envoylogs {_JSON}")
        for options in ("", "--prefix")
    )

    whole = _of_file(shell.folder, log)
    for found in (bare, prefixed):
        assert found.codes == [0, 0], found.errors
        assert found.document["accounts"]["other"] == len(_AGENT_LINES) + 7
        assert found.document["accounts"]["malformed_by_reason"] == {}
        assert _tables(found.document) == _tables(whole)
    assert _gateways(prefixed.document) == {_POD_1: whole["accounts"]["records"]}


# --- Parts of a log -----------------------------------------------------------------------------


def test_a_selector_gives_ten_lines_of_each_pod_unless_told_otherwise(
    shell: _Shell, api: KubernetesApi, logs: dict[str, bytes]
) -> None:
    api.add(*(_gateway(pod, ContainerLog(log)) for pod, log in logs.items()))

    ten, three = (
        shell.run(f"kubectl logs {_SELECTOR} {options} | envoylogs {_JSON}")
        for options in ("", "--tail=3")
    )

    for found, number in ((ten, 10), (three, 3)):
        assert found.codes == [0, 0], found.errors
        tails = [line for log in logs.values() for line in log.splitlines(keepends=True)[-number:]]
        whole = _of_file(shell.folder, b"".join(tails))
        assert found.document["accounts"]["lines"] == 2 * number
        assert _lines(found.document) == _lines(whole)
        assert _tables(found.document) == _tables(whole)
        # What kubectl leaves out without a word is said.
        assert ("--tail=-1" in found.errors) == (number == 10)


def test_lines_since_some_time_are_what_is_summarized(
    shell: _Shell, api: KubernetesApi, logs: dict[str, bytes]
) -> None:
    grown = ContainerLog()
    grown.write(logs[_POD_1], ago=timedelta(hours=2))
    grown.write(logs[_POD_2])
    api.add(_gateway(_POD_1, grown))

    found = shell.run(f"kubectl logs {_POD_1} --since=1h | envoylogs {_JSON}")

    assert found.codes == [0, 0], found.errors
    whole = _of_file(shell.folder, logs[_POD_2])
    assert _lines(found.document) == _lines(whole)
    assert _tables(found.document) == _tables(whole)


# --- A log that is followed ---------------------------------------------------------------------


def test_a_followed_log_is_summarized_when_it_ends(
    shell: _Shell, api: KubernetesApi, log: bytes
) -> None:
    lines = log.splitlines(keepends=True)
    growing = ContainerLog(b"".join(lines[:100]), running=True)
    api.add(_gateway(_POD_1, growing))

    running = shell.start(f"kubectl logs -f {_POD_1} | envoylogs {_JSON}")
    for line in lines[100:]:
        growing.wait_until_followed()
        growing.write(line)
    growing.end()
    found = running.finish()

    assert found.codes == [0, 0], found.errors
    whole = _of_file(shell.folder, log)
    assert found.document["complete"] is True
    assert _lines(found.document) == _lines(whole)
    assert _tables(found.document) == _tables(whole)


@pytest.mark.parametrize("options", ["", "--prefix --timestamps"])
def test_pods_that_are_followed_together_are_all_summarized(
    options: str, shell: _Shell, api: KubernetesApi, logs: dict[str, bytes]
) -> None:
    growing = {pod: ContainerLog(running=True) for pod in logs}
    api.add(*(_gateway(pod, log) for pod, log in growing.items()))

    running = shell.start(
        f"kubectl logs -f {_SELECTOR} --tail=-1 --max-log-requests=2 {options} | envoylogs {_JSON}"
    )
    for first, second in zip(
        *(log.splitlines(keepends=True) for log in logs.values()), strict=False
    ):
        growing[_POD_1].write(first)
        growing[_POD_2].write(second)
        for log in growing.values():
            log.wait_until_followed()
    for log in growing.values():
        log.end()
    found = running.finish()

    assert found.codes == [0, 0], found.errors
    both = min(log.count(b"\n") for log in logs.values())
    ends = [b"".join(log.splitlines(keepends=True)[:both]) for log in logs.values()]
    whole = _of_file(shell.folder, b"".join(ends))
    assert found.document["accounts"]["lines"] == 2 * both
    assert _lines(found.document) == _lines(whole)
    assert _tables(found.document) == _tables(whole)


def test_a_line_that_is_asked_for_is_printed_as_soon_as_it_is_logged(
    shell: _Shell, api: KubernetesApi, log: bytes
) -> None:
    wanted = [line for line in log.splitlines(keepends=True) if b"route_not_found" in line]
    growing = ContainerLog(log, running=True)
    api.add(_gateway(_POD_1, growing))

    running = shell.start(f"kubectl logs -f {_POD_1} | envoylogs lines - --outcome no_route --bare")
    assert [running.next_line() for _ in wanted] == wanted
    growing.write(wanted[0])
    assert running.next_line() == wanted[0]
    growing.end()
    found = running.finish()

    assert found == _Finished(b"", "", [0, 0])


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("options", ["", "--prefix --timestamps"])
def test_ctrl_c_while_following_prints_the_summary_so_far(
    options: str, shell: _Shell, api: KubernetesApi, log: bytes
) -> None:
    growing = ContainerLog(log, running=True)
    api.add(_gateway(_POD_1, growing))
    sent = shell.run(f"kubectl logs {_POD_1} {options}").out

    running = shell.start(f"kubectl logs -f {_POD_1} {options} | tee seen | envoylogs {_JSON}")
    shell.wait_until_read(len(sent))
    running.interrupt()
    found = running.finish()

    assert found.codes[2] == 130, found.errors
    assert "Traceback" not in found.errors
    whole = _of_file(shell.folder, log)
    assert found.document["complete"] is False
    assert _lines(found.document) == _lines(whole)
    assert _tables(found.document) == _tables(whole)


# --- A reader that stops ------------------------------------------------------------------------


@contextmanager
def _busy(log: ContainerLog, text: bytes) -> Iterator[None]:
    """Let a container write the same again and again meanwhile."""
    done = threading.Event()

    def write() -> None:
        while not done.wait(0.02):
            log.write(text)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()


def test_enough_lines_end_a_stream_that_goes_on(
    shell: _Shell, api: KubernetesApi, log: bytes
) -> None:
    wanted = [line for line in log.splitlines(keepends=True) if b"route_not_found" in line]
    growing = ContainerLog(log, running=True)
    api.add(_gateway(_POD_1, growing))

    with _busy(growing, log):
        found = shell.run(
            f"kubectl logs -f {_POD_1} | envoylogs lines - --outcome no_route --bare | head -n 3"
        )

    assert found.out == b"".join(wanted[:3])
    assert found.errors == ""
    assert found.codes[1:] == [0, 0]


def test_a_limit_ends_a_stream_that_goes_on(shell: _Shell, api: KubernetesApi, log: bytes) -> None:
    growing = ContainerLog(log, running=True)
    api.add(_gateway(_POD_1, growing))

    with _busy(growing, log):
        found = shell.run(
            f"kubectl logs -f {_POD_1} | envoylogs lines - --outcome no_route --limit 3"
        )

    assert len(found.out.splitlines()) == 3
    assert found.errors == ""
    assert found.codes[1] == 0


@pytest.mark.parametrize("options", ["--limit 0", "--limit 0 --format json"])
def test_the_first_lines_of_a_summary_are_enough(
    options: str, shell: _Shell, api: KubernetesApi
) -> None:
    # Its summary is longer than a pipe holds, so it can't be written before `head` has ended.
    api.add(_gateway(_POD_1, ContainerLog(b"".join(generator.lines(3000, hosts=300)))))

    found = shell.run(f"kubectl logs {_POD_1} | envoylogs {options} | head -n 2")

    assert len(found.out.splitlines()) == 2
    assert "Traceback" not in found.errors
    assert "Broken" not in found.errors
    assert found.codes == [0, 0, 0]


# --- What goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["", "-f", "--prefix --timestamps"])
def test_a_connection_that_breaks_in_a_line_loses_that_line_only(
    options: str, shell: _Shell, api: KubernetesApi, logs: dict[str, bytes]
) -> None:
    log, next_line = logs[_POD_1], logs[_POD_2].splitlines()[-1]
    api.add(_gateway(_POD_1, ContainerLog(log, half_line=next_line[: len(next_line) // 2])))

    found = shell.run(f"kubectl logs {_POD_1} {options} | envoylogs {_JSON}")

    assert found.codes == [1, 0]
    assert "unexpected EOF" in found.errors
    whole = _of_file(shell.folder, log)
    assert found.document["accounts"]["lines"] == whole["accounts"]["lines"] + 1
    assert found.document["accounts"]["malformed"] == 1
    assert found.document["accounts"]["records"] == whole["accounts"]["records"]
    assert _tables(found.document) == _tables(whole)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("no-such-pod", 'pods "no-such-pod" not found'),
        ("deploy/no-such", 'deployments.apps "no-such" not found'),
        (f"{_POD_1} -c no-such", f"container no-such is not valid for pod {_POD_1}"),
        (f"-f {_SELECTOR} --max-log-requests=1", "attempting to follow 2 log streams"),
    ],
)
def test_a_log_that_kubectl_does_not_get_is_said_to_be_empty(
    arguments: str, words: str, shell: _Shell, api: KubernetesApi
) -> None:
    api.add(_gateway(_POD_1, ContainerLog()), _gateway(_POD_2, ContainerLog()))

    found = shell.run(f"kubectl logs {arguments} | envoylogs {_JSON}")

    assert found.codes[0] == 1
    assert words in found.errors
    assert "envoylogs: the input is empty: no line was read." in found.errors
    assert "Traceback" not in found.errors
    assert found.document["accounts"]["lines"] == 0


def test_words_of_kubectl_in_the_stream_are_of_another_program(
    shell: _Shell, api: KubernetesApi, log: bytes
) -> None:
    api.add(
        Pod(_POD_1, {"istio-proxy": ContainerLog(log), "log-shipper": ContainerLog()}),
        _gateway(_POD_2, ContainerLog(log)),
    )
    # Which container is meant by the first is told by newer kubectl and refused by older.
    commands = (
        f"kubectl logs {_POD_1}; kubectl logs deploy/istio-ingressgateway -c istio-proxy; "
        "kubectl logs no-such-pod"
    )

    apart = shell.run(f"{{ {commands}; }}")
    merged = shell.run(f"{{ {commands}; }} 2>&1 | envoylogs {_JSON}")

    assert merged.codes == [1, 0], merged.errors
    said = apart.errors.splitlines()
    assert len(said) == 3
    assert "istio-proxy" in said[0]
    assert said[1].startswith("Found 2 pods, using pod/")
    assert 'pods "no-such-pod" not found' in said[2]
    whole = _of_file(shell.folder, apart.out)
    assert merged.document["accounts"]["other"] == whole["accounts"]["other"] + 3
    assert merged.document["accounts"]["malformed"] == 0
    assert _tables(merged.document) == _tables(whole)
