"""The documentation says what the code says."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import generator, strangers
from docs.cause_examples import EXAMPLES
from tests.builders import normalized
from tests.exposition import Metrics
from tests.handmade import source_of
from typer.testing import CliRunner

from envoylogs import errors, schema
from envoylogs.cli.app import COMMANDS, app_of
from envoylogs.cli.settings import SETTINGS
from envoylogs.envoy.outcomes import OUTCOME_NAMES
from envoylogs.mesh import errors as mesh_errors
from envoylogs.mesh.causes import CAUSE_BY_CODE
from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.intent.oddities import _CONFLICTS
from envoylogs.mesh.mesh import Mesh
from envoylogs.pipeline import tally_sources
from envoylogs.problems import PROBLEMS
from envoylogs.reading.fates import REASONS
from envoylogs.render.explained_json import write_explanations
from envoylogs.render.records import write_json
from envoylogs.sources.source import Source
from envoylogs.summary.breakdown import COLUMNS, CONNECTION_KEYS, CONNECTION_TABLES
from envoylogs.summary.findings.catalog import KIND_BY_CODE
from envoylogs.summary.metrics.names import AUTHORITY_KINDS, CLUSTER_KINDS
from envoylogs.summary.summary import summarize
from envoylogs.tally.spec import TallySpec

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
MANUAL = DOCS / "envoylogs.1"
GENERATED = [page for page in (*PAGES, MANUAL) if "[[[cog" in page.read_text(encoding="utf-8")]

# A kind that is passed over, and an object in which something is odd.
_EXTRAS = """\
---
apiVersion: networking.istio.io/v1
kind: EnvoyFilter
metadata: {name: lua, namespace: istio-system}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: empty, namespace: istio-system}
spec: {}
"""
_NOTED = re.compile(r"""\b[Nn]ote\(\s*"(\w+)",""")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`[^`\n]*`")
_METRIC = re.compile(r"^\| `(envoylogs_\w+)` \| (\w+) \| ([^|]*) \|", re.MULTILINE)
_FIELD = re.compile(r"^\| `([^`]+)` \| ([^|]*) \|", re.MULTILINE)


def _headings(page: Path, *, level: int, under: str | None = None) -> list[str]:
    """Return the headings of one level, of the whole page or of one section."""
    text = _without_blocks(page)
    if under is not None:
        _, _, text = text.partition(f"\n## {under}\n")
        text, _, _ = text.partition("\n## ")
    return re.findall(rf"^#{{{level}}} (.+)$", text, re.MULTILINE)


def _without_blocks(page: Path) -> str:
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


@cache
def _anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page's headings, as hosts of repositories make them."""
    headings = re.findall(r"^#+ (.+)$", _without_blocks(page), re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return frozenset(heading.replace(" ", "-") for heading in kept)


def _error_classes() -> set[type[errors.EnvoylogsError]]:
    found, waiting = set(), [errors.EnvoylogsError, mesh_errors.MeshFileError]
    while waiting:
        error = waiting.pop()
        found.add(error)
        waiting += error.__subclasses__()
    return found


def test_every_slug_of_an_error_has_a_heading_and_every_heading_a_slug() -> None:
    # A class without a slug of its own is of the same heading as the one it is made from.
    slugs = sorted({error.slug for error in _error_classes()})

    assert sorted(_headings(DOCS / "messages.md", level=3, under="Errors")) == slugs


def test_every_malformed_reason_has_a_heading_and_every_heading_a_reason() -> None:
    documented = _headings(DOCS / "messages.md", level=3, under="Malformed lines")

    assert sorted(documented) == sorted(REASONS)


def test_every_problem_of_an_archive_has_a_heading_and_every_heading_a_problem() -> None:
    documented = _headings(DOCS / "messages.md", level=3, under="Incomplete sources")

    assert sorted(documented) == sorted(PROBLEMS)


def test_every_finding_has_a_page_and_every_page_a_finding() -> None:
    pages = {page.stem for page in (DOCS / "findings").glob("*.md")} - {"README"}

    assert pages == set(KIND_BY_CODE)


def test_every_cause_has_a_page_and_every_page_a_cause() -> None:
    pages = {page.stem for page in (DOCS / "causes").glob("*.md")} - {"README"}

    assert pages == set(CAUSE_BY_CODE)


def test_every_oddity_of_a_configuration_is_in_the_table() -> None:
    _, _, table = (DOCS / "causes" / "README.md").read_text("utf-8").partition("## Also seen")
    made = {
        code
        for module in (ROOT / "src" / "envoylogs" / "mesh").rglob("*.py")
        for code in _NOTED.findall(module.read_text("utf-8"))
    }

    assert made >= {"rule_never_sent", "malformed", "credential_missing"}
    assert made | {*_CONFLICTS.values()} <= {*re.findall(r"`(\w+)`", table)}


@pytest.mark.parametrize(
    ("folder", "code"),
    [
        *(("findings", code) for code in KIND_BY_CODE),
        *(("causes", code) for code in CAUSE_BY_CODE),
    ],
)
def test_the_page_of_a_finding_or_a_cause_has_all_sections(folder: str, code: str) -> None:
    page = DOCS / folder / f"{code}.md"

    assert _headings(page, level=1) == [code]
    assert _headings(page, level=2) == [
        "The rule", "What to look at", "What it is not", "Example",
    ]  # fmt: skip


def test_every_outcome_has_a_heading_in_the_order_in_which_it_is_tried() -> None:
    documented = _headings(DOCS / "outcomes.md", level=3, under="When each is chosen")

    assert documented == list(OUTCOME_NAMES)


def test_every_command_has_a_heading_and_every_heading_a_command() -> None:
    commands = [
        command.name or getattr(command.callback, "__name__", "")
        for command in app_of().registered_commands
    ]

    assert _headings(DOCS / "cli.md", level=2) == ["envoylogs", *commands]


def test_every_column_is_documented() -> None:
    text = (DOCS / "columns.md").read_text(encoding="utf-8")

    assert [field for field, _ in _FIELD.findall(text)] == list(
        schema.NORMALIZED | schema.DERIVED | schema.POSITION
    )


def _example(page: str, language: str) -> str:
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return str(blocks[0])


def test_the_example_of_settings_is_one_and_has_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "envoylogs.toml").write_text(_example("settings.md", "toml"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    shown = CliRunner().invoke(app_of(), ["summarize", "--show-config"])

    assert shown.exit_code == 0, shown.exception
    assert tomllib.loads(shown.stdout) == tomllib.loads(_example("settings.md", "toml"))
    assert set(tomllib.loads(shown.stdout)) == set(SETTINGS)


def test_the_example_of_nested_objects_is_read() -> None:
    found = normalized(json.loads(_example("formats.md", "json")))

    assert found["authority"] == "shop.example.com"
    assert found["user_agent"] == "curl"
    assert found["upstream_subset"] is None
    assert found["upstream_host"] == "192.0.2.81:8080"


def test_generated_parts_of_the_documentation_are_fresh() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "cogapp", "--check", "-I", "docs", *map(str, GENERATED)],
        capture_output=True,
        check=False,
        cwd=ROOT,
        encoding="utf-8",
    )

    assert GENERATED
    assert checked.returncode == 0, f"run `make docs`:\n{checked.stdout}{checked.stderr}"


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff")
def test_the_man_page_is_shown_without_a_warning_and_has_every_command_and_option() -> None:
    shown = subprocess.run(
        ["groff", "-man", "-Tutf8", "-P-c", "-ww", str(MANUAL)],  # noqa: S607
        capture_output=True,
        check=True,
        encoding="utf-8",
    )

    assert shown.stderr == ""
    text = re.sub(r".\x08", "", shown.stdout)
    for command in COMMANDS:
        assert f"\n   {command}\n       envoylogs {command} " in text
    for option in re.findall(
        r"^ +(?:-\w, )?(--[a-z-]+)", (DOCS / "cli.md").read_text(), re.MULTILINE
    ):
        assert option in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    text = _INLINE.sub("", _without_blocks(page))
    broken = []
    for link in _LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        is_page = target.suffix == ".md"
        if not target.exists() or (anchor and is_page and anchor not in _anchors(target.resolve())):
            broken.append(link)

    assert broken == []


def test_the_documented_fields_of_the_json_are_those_that_are_printed(tmp_path: Path) -> None:
    documented = _documented_fields()
    free = {field.removesuffix(".{}") for field in documented if field.endswith(".{}")}
    log = tmp_path / "gateway.log"
    served = {
        "start_time": "2026-11-01T12:00:00.000Z",
        "authority": "shop.example.com",
        "method": "GET",
        "path": "/",
        "response_code": 200,
        "response_flags": "-",
        "upstream_cluster": "outbound|80||cart.shop.svc.cluster.local",
        "upstream_host": "192.0.2.81:8080",
        "duration": 12,
        "upstream_service_time": "11",
    }
    failed = {**served, "response_code": 503, "response_flags": "UH", "upstream_host": None}
    failed["upstream_service_time"] = "soon"
    # A second method is folded, which is in no table.
    failed["method"] = "POST"
    lines = [json.dumps(served | {"team": "a"}), json.dumps(failed), '{"level": "info"}', '{"cut']
    log.write_text("\n".join(lines), encoding="utf-8")
    copy = tmp_path / "copy.log"
    copy.write_bytes(log.read_bytes())
    # So few rows of joint counts have no detail left.
    spec = TallySpec(max_names=1, joint=("method", "host"), max_joint_rows=1)
    sources = [Source("gateway.log", str(log)), Source("copy.log", str(copy))]

    out = io.StringIO()
    write_json(summarize(tally_sources(sources, spec=spec)), out)
    document = json.loads(out.getvalue())
    # Beside a request, of one name each, the only example would be of the connection.
    document["connections"] = _connections(served | {"response_flags": "UF", "response_code": 0})

    document |= _explained(log)

    # A finding about the log itself has no examples.
    document["findings"] = [found for found in document["findings"] if found["examples"]]
    assert set(_printed_fields(document, free)) == documented


def _explained(log: Path) -> dict[str, Any]:
    """Return what JSON has with a configuration, of a host that no VirtualService lists."""
    configuration = log.parent / "mesh.yaml"
    configuration.write_text(EXAMPLES["host_not_in_virtualservice"]().mesh + _EXTRAS, "utf-8")
    record = json.dumps(EXAMPLES["host_not_in_virtualservice"]().record)
    mesh = Mesh(read_configuration([str(configuration)]))
    tally = tally_sources(
        [source_of(record.encode())], spec=TallySpec(turned_away=mesh.turned_away)
    )
    written = []
    for given in (mesh, None):
        out = io.StringIO()
        write_explanations(summarize(tally, mesh=given), out)
        written.append(json.loads(out.getvalue()))
    proved, by_log = written
    # What the files prove has no candidates.
    proved["explanations"][0]["candidates"] = by_log["explanations"][0]["candidates"]
    return {name: proved[name] for name in ("configuration", "explanations")}


def _connections(record: dict[str, Any]) -> dict[str, Any]:
    http = dict.fromkeys(("authority", "method", "path"))
    out = io.StringIO()
    source = source_of(json.dumps(record | http).encode())
    write_json(summarize(tally_sources([source])), out)
    found: dict[str, Any] = json.loads(out.getvalue())["connections"]
    return found


def test_the_documented_metrics_are_those_that_are_written() -> None:
    documented = {
        name: (type_of, set(re.findall(r"`(\w+)`", labels)))
        for name, type_of, labels in _METRIC.findall(_metrics_page())
    }

    written: dict[str, tuple[str, set[str]]] = {}
    for data in (b"".join(generator.lines(500)), b"".join(strangers.lines(300))):
        tally = tally_sources([source_of(data)], spec=TallySpec(max_names=20))
        found = Metrics.of(summarize(tally, names_in_metrics=5))
        written |= {
            name: (type_of, found.labels[name] - {"le"}) for name, type_of in found.types.items()
        }

    assert written == documented


def test_every_label_of_a_metric_is_described() -> None:
    page = _metrics_page()
    _, _, section = page.partition("\n## Labels\n")
    described = dict(_FIELD.findall(section))

    labels = {label for *_, labels in _METRIC.findall(page) for label in labels.split(", ")}
    assert set(described) == {label.strip("`") for label in labels - {"none"}} | {"le"}
    for label, kinds in (
        ("authority_kind", AUTHORITY_KINDS),
        ("upstream_cluster_kind", CLUSTER_KINDS),
    ):
        assert re.findall(r"`(\w+)`", described[label]) == list(kinds)


def test_every_metric_that_the_page_speaks_of_exists() -> None:
    page = _metrics_page()
    rows = {name: type_of for name, type_of, _ in _METRIC.findall(page)}
    histograms = [name for name, type_of in rows.items() if type_of == "histogram"]
    of_histograms = {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}

    spoken_of = set(re.findall(r"\benvoylogs_\w+", page))
    assert len(spoken_of) > len(rows)
    assert spoken_of <= {*rows, *of_histograms}


def _metrics_page() -> str:
    return (DOCS / "prometheus.md").read_text(encoding="utf-8")


def _documented_fields() -> set[str]:
    """Return the fields in ``docs/json.md`` that hold no other fields."""
    described = _FIELD.findall((DOCS / "json.md").read_text(encoding="utf-8"))
    parts: dict[str, list[tuple[str, str]]] = {"latency": [], "row": [], "connection_row": []}
    fields: list[tuple[str, str]] = []
    for field, kind in described:
        name, _, rest = field.partition(".")
        parts.get(name, fields).append((rest if name in parts else field, kind))
    expanded = set(_expanded(fields, parts))
    return {
        field
        for field in expanded
        if not any(other.startswith((f"{field}.", f"{field}[")) for other in expanded)
    }


def _expanded(
    fields: list[tuple[str, str]], parts: dict[str, list[tuple[str, str]]]
) -> Iterator[str]:
    for field, kind in fields:
        if kind in parts:
            yield from (f"{field}.{rest}" for rest in _expanded(parts[kind], parts))
        else:
            yield field


def _printed_fields(value: Any, free: set[str], path: str = "") -> Iterator[str]:
    """Yield the fields of a document that hold no other fields, as the page writes them."""
    if path in free:
        yield f"{path}.{{}}"
    elif isinstance(value, dict) and value:
        row_keys = {
            "by.COLUMN[]": COLUMNS,
            "groups[]": schema.GROUP_KEYS,
            "connections.by.COLUMN[]": CONNECTION_TABLES,
            "connections.groups[]": CONNECTION_KEYS,
        }
        for key, inner in value.items():
            if key not in row_keys.get(path, ()):
                generic = {"by": "COLUMN", "connections.by": "COLUMN", "folded.columns": "{}"}
                name = generic.get(path, key)
                yield from _printed_fields(inner, free, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for inner in value:
            yield from _printed_fields(inner, free, f"{path}[]")
    else:
        yield path
