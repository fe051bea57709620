"""What the compiled decoder does not take is refused, or read by the reference."""

from __future__ import annotations

import time
from threading import Thread
from typing import Any

import polars as pl
import pytest
from tests.both_decoders import assert_alike
from tests.builders import line, record
from tests.clean_blocks import plain

from envoylogs import schema
from envoylogs.envoy.field_keys import DEFAULT_KEYS
from envoylogs.keyed.plan import ReadPlan
from envoylogs.reading.decoded_block import KEY, PATH_SHAPE, PLACE, DecodedBlock
from envoylogs.reading.decoders.compiled import CompiledDecoder
from envoylogs.reading.fates import LineFates, ShortestKeys

pytestmark = pytest.mark.usefixtures("compiled_decoder")

_ALL = tuple(schema.NORMALIZED)
_KEY_TEXT, _ROW_TEXT = 1, 4
_OPERATOR = (b"[", False, b" ", False, 0, 0)


def _decoder(*, columns: int = 1) -> Any:
    from envoylogs.reading.decoders._compiled_decoder import Decoder

    decoder = Decoder(bytes(16), False, False, 0, -1, -1, -1)  # noqa: FBT003  # it has no names
    for _ in range(columns):
        decoder.add_column(_KEY_TEXT, 0, 0, False, False)  # noqa: FBT003
    return decoder


def _taken(decoder: CompiledDecoder) -> DecodedBlock:
    return decoder.take(LineFates(), ShortestKeys())


def _read(decoder: CompiledDecoder, data: bytes) -> int:
    """Read lines that are all records; returns how many they are."""
    at = records = 0
    while at <= len(data):
        found = decoder.read(data, at, records + 1)
        assert not found.lines
        at, records = found.at, records + found.records
    return records


def test_more_columns_than_it_takes_are_refused() -> None:
    decoder = _decoder(columns=64)

    with pytest.raises(ValueError, match="columns"):
        decoder.add_column(_ROW_TEXT, 0, 0, False, False)  # noqa: FBT003


@pytest.mark.parametrize("kind", [-1, 8, 255])
def test_a_column_of_no_kind_is_refused(kind: int) -> None:
    with pytest.raises(ValueError, match="columns"):
        _decoder().add_column(kind, 0, 0, False, False)  # noqa: FBT003


def test_columns_are_laid_out_once_and_before_anything_is_read() -> None:
    decoder = _decoder(columns=60)
    with pytest.raises(ValueError, match="places"):
        decoder.read(b"", 0, 1)

    decoder.lay_out()

    with pytest.raises(ValueError, match="layouts"):
        decoder.lay_out()
    with pytest.raises(ValueError, match="columns"):
        decoder.add_column(_ROW_TEXT, 0, 0, False, False)  # noqa: FBT003


def test_more_traits_and_heads_than_it_takes_are_refused() -> None:
    decoder = _decoder()
    for _ in range(8):
        decoder.add_trait(0, False)  # noqa: FBT003
        decoder.add_head(b'{"log":')

    with pytest.raises(ValueError, match="traits"):
        decoder.add_trait(0, False)  # noqa: FBT003
    with pytest.raises(ValueError, match="heads"):
        decoder.add_head(b'{"log":')


@pytest.mark.parametrize("column", [-1, 64, 256])
def test_a_trait_of_no_column_is_refused(column: int) -> None:
    with pytest.raises(ValueError, match="traits"):
        _decoder().add_trait(column, False)  # noqa: FBT003


@pytest.mark.parametrize("head", [b"", b'{"log"', b'{"log": '])
def test_a_head_of_another_length_is_refused(head: bytes) -> None:
    with pytest.raises(ValueError, match="heads"):
        _decoder().add_head(head)


@pytest.mark.parametrize(
    ("operators", "last"),
    [
        ([_OPERATOR] * 41, b""),
        ([_OPERATOR], b"x" * 33),
        ([(b"x" * 33, False, b" ", False, 0, 0)], b""),
        ([(b"[", False, b"", False, 0, 0)], b""),
        ([(b"[", False, b"12345", False, 0, 0)], b""),
        ([(b"[", False, b" ", False, 64, 0)], b""),
        ([(b"[", False, b" ", False, 0, -1)], b""),
        ([(b"[", False, b" ", False, 0, 256)], b""),
    ],
)
def test_a_format_of_more_than_it_takes_is_refused(operators: Any, last: bytes) -> None:
    with pytest.raises(ValueError, match=r"operators|literals"):
        _decoder().add_format(operators, last, False, False, False)  # noqa: FBT003


def test_more_formats_than_it_takes_are_refused() -> None:
    decoder = _decoder()
    for _ in range(32):
        decoder.add_format([_OPERATOR] * 40, b"x" * 32, False, False, False)  # noqa: FBT003

    with pytest.raises(ValueError, match="operators"):
        decoder.add_format([_OPERATOR], b"", False, False, False)  # noqa: FBT003


@pytest.mark.parametrize(
    "key",
    [
        (b"x" * 201, 0, 0, 0, False),
        (b"x", 3, 0, 0, False),
        (b"x", -1, 0, 0, False),
        (b"x", 0, 64, 0, False),
        (b"x", 0, 256, 0, False),
        (b"x", 0, -1, 0, False),
        (b"x", 0, 0, 256, False),
        (b"x", 0, 0, -1, False),
    ],
)
def test_a_key_that_it_does_not_take_is_not_added(key: Any) -> None:
    assert not _decoder().add_key(*key)


def test_more_keys_than_it_takes_are_not_added() -> None:
    decoder = _decoder()
    added = [decoder.add_key(b"key%d" % n, 1, 0, 0, False) for n in range(300)]  # noqa: FBT003

    assert added == [True] * 256 + [False] * 44
    assert not decoder.add_key(b"key0", 1, 0, 0, False)  # noqa: FBT003


@pytest.mark.parametrize("at", [-1, 3, 2**40])
def test_a_place_outside_of_the_data_is_refused(at: int) -> None:
    decoder = _decoder()
    decoder.lay_out()

    with pytest.raises(ValueError, match="places"):
        decoder.read(b"{}", at, 1)


@pytest.mark.parametrize("seed", [b"", bytes(15), bytes(17)])
def test_a_seed_of_another_length_is_refused(seed: bytes) -> None:
    from envoylogs.reading.decoders._compiled_decoder import Decoder

    with pytest.raises(ValueError, match="16 bytes"):
        Decoder(seed, False, False, 0, -1, -1, -1)  # noqa: FBT003


def test_a_column_is_made_by_a_decoder_alone_and_handed_over_once() -> None:
    decoder = _decoder()
    decoder.lay_out()
    *_, numbers, _, _, _, _, _, _, _, _, _ = decoder.take()

    numbers.__arrow_c_array__()
    numbers.__arrow_c_array__()
    with pytest.raises(TypeError):
        type(numbers)()


def test_only_one_thread_uses_a_decoder_at_a_time() -> None:
    decoder = CompiledDecoder(_ALL, DEFAULT_KEYS)
    raw: Any = decoder._decoder  # noqa: SLF001  # what refuses is behind it
    data = b"\n".join([line(record())] * 5000)
    refused: set[str] = set()
    ended: list[bool] = []

    def read() -> None:
        for _ in range(5000):
            try:
                _read(decoder, data)
                _taken(decoder)
            except RuntimeError:
                # The other one is at it, and needs the interpreter to end.
                time.sleep(0.001)
            if len(refused) == len(uses):
                break
        ended.append(True)

    uses = {
        "read": lambda: raw.read(b"", 0, 1),
        "take": raw.take,
        "enveloped": raw.enveloped,
        "mark_keys": lambda: raw.mark_keys(b""),
        "add_key": lambda: raw.add_key(b"response_code", 0, 0, 0, False),  # noqa: FBT003
        "begin_source": lambda: raw.begin_source(b"", b"", b""),
    }
    other = Thread(target=read)
    other.start()
    while not ended:
        for name, use in uses.items():
            try:
                use()
            except RuntimeError as error:
                assert "one thread" in str(error)  # noqa: PT017  # it need not be refused each time
                refused.add(name)
    other.join()

    assert refused == set(uses)


def test_records_of_more_keys_than_it_knows_are_read_all_the_same() -> None:
    many = [line({**record(), f"key_{n}": n}) for n in range(300)]
    at_once = line({**record(), **{f"other_{n}": n for n in range(300)}})
    long_key = line({**record(), "x" * 201: 1})

    for unknown in (False, True):
        plan = ReadPlan(_ALL, unknown=unknown)
        assert_alike([b"\n".join([*many, line(record()), at_once, long_key, *many])], plan)


def test_strangers_may_choose_more_hosts_and_paths_than_are_kept() -> None:
    decoder = CompiledDecoder(_ALL, DEFAULT_KEYS, coded=("upstream_host", PATH_SHAPE))
    n = 300_000
    text = b'{"response_flags":"-","authority":"h%d","path":"/p%dx","upstream_host":"u%d"}'
    assert _read(decoder, b"\n".join(text % (one, one, one) for one in range(n))) == n

    block = _taken(decoder)

    numbers = pl.int_range(n, eager=True).cast(pl.String)
    assert block.rows[KEY].equals(pl.int_range(n, dtype=pl.UInt32, eager=True))
    assert block.keys["authority"].equals("h" + numbers)
    assert block.coded["upstream_host"].equals("u" + numbers)
    assert block.coded[PATH_SHAPE].equals("/p" + numbers + "x")

    # All of them are forgotten by now; numbers begin anew with each batch.
    again = [5, 5, 299_999, 7]
    assert _read(decoder, b"\n".join(text % (one, one, one) for one in again)) == len(again)
    block = _taken(decoder)

    assert block.keys["authority"].to_list() == ["h5", "h299999", "h7"]
    assert block.rows[KEY].to_list() == [0, 0, 1, 2]
    assert block.coded["upstream_host"].to_list() == ["u5", "u299999", "u7"]
    assert block.rows["upstream_host"].to_list() == [0, 0, 1, 2]


_ONE, _OTHER = record(authority="one"), record(authority="other")


def _with_seldom() -> CompiledDecoder:
    return CompiledDecoder(_ALL, DEFAULT_KEYS, seldom=("request_id", "path"))


def _batch_of(decoder: CompiledDecoder, *records: dict[str, object]) -> DecodedBlock:
    assert _read(decoder, b"\n".join(map(line, records))) == len(records)
    return _taken(decoder)


def _pass_over(block: DecodedBlock, *authorities: str) -> None:
    assert block.pass_over is not None
    block.pass_over(block.keys["authority"].is_in(authorities))


def test_seldom_values_are_kept_of_records_whose_keys_are_not_passed_over() -> None:
    decoder = _with_seldom()
    first = _batch_of(decoder, _ONE | {"request_id": "a"}, _OTHER | {"request_id": "b"})
    _pass_over(first, "one")
    records = [
        _ONE | {"request_id": "c"},
        _OTHER | {"request_id": "d"},
        record(authority="new", request_id="e"),
        _OTHER | {"request_id": None},
        _ONE,
    ]

    rows = plain(_batch_of(decoder, *records)).rows

    assert plain(first).rows["request_id"].to_list() == ["a", "b"]
    assert rows["request_id"].to_list() == [None, "d", "e", None, None]
    assert rows["path"].null_count() == 2
    assert rows["duration_ms"].null_count() == 0


def test_keys_that_are_passed_over_are_those_of_the_batch_before() -> None:
    decoder = _with_seldom()
    first = _batch_of(decoder, _ONE, _OTHER)
    _batch_of(decoder, _ONE)
    # It is about two keys, and the batch before has one.
    _pass_over(first, "one", "other")

    second = _batch_of(decoder, _ONE, _OTHER)
    _read(decoder, line(_OTHER))
    # The next batch has begun.
    _pass_over(second, "one", "other")
    _read(decoder, line(_ONE))
    third = _taken(decoder)

    for block in (second, third):
        assert block.rows[PLACE].to_list() == [0, 1]
