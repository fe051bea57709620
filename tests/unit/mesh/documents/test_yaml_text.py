"""YAML as Kubernetes reads it, and what hostile YAML comes to."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.mesh.documents.yaml_text import Document, yaml_documents
from envoylogs.mesh.errors import MeshFileError


def _documents(text: str | bytes, warnings: list[str] | None = None) -> list[Document]:
    data = text if isinstance(text, bytes) else text.encode()
    warn = warnings.append if warnings is not None else pytest.fail
    return list(yaml_documents(data, "a.yaml", warn))


def _value(text: str) -> Any:
    (document,) = _documents(text)
    return document.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("'yes'", "yes"),
        ("~", None),
        ("80", 80),
        ("-1", -1),
        ("010", "010"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("1.19.0", "1.19.0"),
        ("12:30:45", "12:30:45"),
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
        ("2024-01-02", "2024-01-02"),
        ("!!str 80", "80"),
        ("!!python/name:os.system x", "x"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_values_are_what_kubernetes_takes_them_for(text: str, value: Any) -> None:
    found = _value(f"a: {text}\n")["a"]

    assert (type(found), found) == (type(value), value)


def test_keys_are_always_texts() -> None:
    assert _value("on: 1\n80: 2\n") == {"on": 1, "80": 2}


def test_the_last_of_two_equal_keys_counts_and_is_said() -> None:
    warnings: list[str] = []

    (document,) = _documents("x:\n  a: 1\n  a: 2\n", warnings)

    assert document.value == {"x": {"a": 2}}
    assert warnings == [
        "a.yaml:2: a key stands twice in the object that begins here; the last one counts."
    ]


def test_anchors_and_merge_keys_are_followed() -> None:
    text = "base: &b {x: 1, y: 2}\none: *b\ntwo:\n  <<: *b\n  y: 3\nthree: {<<: [*b, {z: 1}]}\n"

    assert _value(text) == {
        "base": {"x": 1, "y": 2},
        "one": {"x": 1, "y": 2},
        "two": {"x": 1, "y": 3},
        "three": {"x": 1, "y": 2, "z": 1},
    }


def test_each_document_and_each_item_has_its_line() -> None:
    text = "# c\na: 1\n---\nitems:\n- kind: X\n- {kind: Z}\nkind: List\n"

    assert _documents(text) == [
        Document(2, {"a": 1}),
        Document(5, {"kind": "X"}, ""),
        Document(6, {"kind": "Z"}, ""),
    ]


def test_what_managers_own_is_passed_over() -> None:
    assert _value("a: [{manager: m, fieldsV1: {'f:x': {}}}]") == {"a": [{"manager": "m"}]}


def test_an_anchor_of_another_document_is_none() -> None:
    with pytest.raises(MeshFileError, match=r"a\.yaml:3:4: .*an alias has no anchor"):
        _documents("a: &x 1\n---\nb: *x\n")


_LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
_CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 5000))
_MERGED = "a: &a {" + ", ".join(f"k{n}: 1" for n in range(1000)) + "}\nb:\n" + "- {<<: *a}\n" * 2000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (_LAUGHS, "aliases stand for over"),
        (_CHAIN, "aliases stand for over"),
        (_MERGED, "aliases stand for over"),
        ("a: &a [*a]", "an alias contains itself"),
        ("a: &a\n  b: {c: *a}", "an alias contains itself"),
        # libyaml looks 1,000 brackets ahead, and ends there.
        ("a: " + "[" * 100_000, "nesting depth"),
        ("a: " + "{b: " * 100_000, "are in each other"),
        ("- " * 100_000, "are in each other"),
        ("".join(" " * n + "a:\n" for n in range(500)), "are in each other"),
        ("? [a]\n: b", "a key is a list or an object"),
        ("a: b: c", "mapping values are not allowed"),
        ("a:\n\tb: c", "cannot start any token"),
        ("a: b\0c", "control characters are not allowed"),
        (b"a: \xff", "UTF-8"),
        ("a: 'x", "unexpected end of stream"),
    ],
)
def test_hostile_and_broken_text_is_an_error_with_a_place(text: str | bytes, reason: str) -> None:
    with pytest.raises(MeshFileError, match=reason) as caught:
        _documents(text)

    assert str(caught.value).startswith("a.yaml:")


def test_a_reader_error_names_the_line() -> None:
    with pytest.raises(MeshFileError, match=r"^a\.yaml:3: "):
        _documents("a: 1\nb: 2\nc: \x01\n")


def test_a_huge_scalar_is_read() -> None:
    assert len(_value("a: " + "x" * 3_000_000)["a"]) == 3_000_000


# PyYAML's dumper puts no quotes around what Kubernetes takes for a boolean or a number.
_UNQUOTED = re.compile(r"[yYnN]|[-+.]?[0-9].*")
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8).filter(
    lambda text: not _UNQUOTED.fullmatch(text)
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.property
@given(_VALUES.filter(lambda value: not isinstance(value, dict) or "items" not in value))
def test_what_a_dumper_writes_is_read_back(value: Any) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    written = json.loads(json.dumps(value))

    # A key of a merge is no key, and what managers own is left out.
    if "<<" not in text and "fieldsV1" not in text:
        assert _value(text) == written
