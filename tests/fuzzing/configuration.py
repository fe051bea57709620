"""What decoders are told, as a C header: recorded from those who tell it."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

from envoylogs import schema
from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.envoy.fields import ALIASES, EITHER, ENVOY_ONLY, OF_A_PROXY, OF_LOG_LINES
from envoylogs.keyed.plan import ReadPlan
from envoylogs.reading.decoded_block import PATH_SHAPE
from envoylogs.reading.decoders.columns import wanted_with
from envoylogs.reading.decoders.compiled import CompiledDecoder

_MODULE = "envoylogs.reading.decoders._compiled_decoder"
_CODED = ("upstream_host", PATH_SHAPE)


class Configuration(NamedTuple):
    """For what a decoder is made."""

    plan: ReadPlan
    coded: tuple[str, ...] = ()


CONFIGURATIONS = (
    Configuration(ReadPlan(tuple(schema.NORMALIZED))),
    Configuration(ReadPlan(tuple(schema.NORMALIZED), text=True), _CODED),
    Configuration(ReadPlan(tuple(schema.TALLIED), seldom=(*schema.OF_EXAMPLES, "path")), _CODED),
    Configuration(ReadPlan(tuple(schema.NORMALIZED), unknown=True)),
    Configuration(ReadPlan(("authority", "response_code", "path"), text=True)),
    Configuration(
        ReadPlan(
            tuple(schema.NORMALIZED),
            keys=FieldKeys.mapping({"authority": ["edge"], "path": ["authority", "route"]}),
        ),
        _CODED,
    ),
)

KEYS = tuple(
    sorted(
        {key for keys in ALIASES.values() for key in keys}
        | {*ALIASES, *EITHER, *ENVOY_ONLY, *OF_A_PROXY, *DEFAULT_KEYS.signs, "edge", "route"}
        | {key for keys in OF_LOG_LINES for key in keys}
        | {"responseCode", "Response-Code", "http.request.method", "request\x1fmethod", "UserAgent"}
    )
)
"""The known keys, and some spelled in other ways."""


def made(configuration: Configuration) -> CompiledDecoder:
    """Return a decoder as those who read with such a plan make it."""
    plan = configuration.plan
    return CompiledDecoder(
        wanted_with(plan.columns),
        plan.keys,
        coded=configuration.coded,
        seldom=plan.seldom,
        keep_text=plan.text,
        unknown=plan.unknown,
    )


class _Recorder:
    """Stands in for the decoder in C, and remembers what it is told."""

    height = 0

    def __init__(self, seed: bytes, *settings: int) -> None:
        del seed
        self.calls: list[tuple[str, tuple[Any, ...]]] = [("settings", settings)]
        self._keys = iter(KEYS)

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.calls.append((name, given))

    def read(self, *_: object) -> tuple[int, int, int, int, int, bytes]:
        return 0, 0, 0, 0, 0, next(self._keys).encode()


def calls_of(configuration: Configuration) -> list[tuple[str, tuple[Any, ...]]]:
    """Return what a decoder is told: the names of methods, and what they are given."""
    module = ModuleType(_MODULE)
    module.__dict__["Decoder"] = _Recorder
    with patch.dict(sys.modules, {_MODULE: module}):
        decoder = made(configuration)
        for _ in KEYS:
            decoder.read(b"", 0, 1)
    recorder: Any = decoder._decoder  # noqa: SLF001  # the recorder is behind it
    calls: list[tuple[str, tuple[Any, ...]]] = recorder.calls
    return calls


def header() -> str:
    """Return the tables that ``decoder_fuzzer.c`` includes."""
    parts = [_functions(n, calls_of(one)) for n, one in enumerate(CONFIGURATIONS)]
    rows = ", ".join(
        f"{{configure_{n}, KEYS_{n}, sizeof KEYS_{n} / sizeof KEYS_{n}[0]}}"
        for n in range(len(CONFIGURATIONS))
    )
    table = f"static const Configuration CONFIGURATIONS[] = {{{rows}}};\n"
    return "/* Made by tests/fuzzing/configuration.py. */\n" + "".join(parts) + table


def _functions(n: int, calls: list[tuple[str, tuple[Any, ...]]]) -> str:
    steps, keys = [], []
    for name, given in calls:
        if name == "settings":
            fields = ("keeps_lines", "refuses_unused", "logged", "pod", "namespace", "container")
            steps += [f"d->{of} = {_value(to)};" for of, to in zip(fields, given, strict=True)]
        elif name == "add_key":
            key, meaning, column, rank, tells = given
            values = f"(FieldMeaning){meaning}, {column}, {rank}, {_value(tells)}"
            keys.append(f"{{BYTES_OF({literal(key)}), {values}}},")
        elif name == "add_format":
            operators, *of_format = given
            steps.append(_call(name, *of_format))
            steps += [_call("add_operator", *operator) for operator in operators]
        else:
            steps.append(_call(name, *given))
    body = "\n    ".join(steps)
    table = "\n    ".join(keys)
    return (
        f"static void configure_{n}(Decoder *d)\n{{\n    {body}\n}}\n\n"
        f"static const KnownKey KEYS_{n}[] = {{\n    {table}\n}};\n\n"
    )


def _call(name: str, *given: Any) -> str:
    return f"{name}({', '.join(['d', *map(_value, given)])});"


def _value(value: Any) -> str:
    if isinstance(value, bytes):
        return f"(Span)BYTES_OF({literal(value)})"
    if isinstance(value, bool):
        return str(value).lower()
    return f"INT64_C({int(value)})"


def literal(text: bytes) -> str:
    """Return bytes as C and libFuzzer's dictionaries write them."""
    return '"' + "".join(f"\\{byte:03o}" if _is_odd(byte) else chr(byte) for byte in text) + '"'


def _is_odd(byte: int) -> bool:
    # Not a question mark either: two of them and one more are a trigraph.
    return not 0x20 <= byte < 0x7F or chr(byte) in '"\\?'
