"""Checksums of saved tallies: no byte of a file may change."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from envoylogs.tally.sealing import UNSEALED, SealError, is_sealed, verify, write_sealed


def _sealed(folder: Path, metadata: dict[str, str] | None = None) -> Path:
    path = folder / "numbers.parquet"
    rows = pl.DataFrame({"state": ["traffic", "paths"], "requests": [3, 2**53]})
    whole = BytesIO()
    rows.write_parquet(whole, metadata={**UNSEALED, **(metadata or {})})
    write_sealed(whole.getvalue(), path)
    return path


def test_a_sealed_file_is_a_parquet_file_as_before(tmp_path: Path) -> None:
    path = _sealed(tmp_path)

    verify(path.read_bytes())
    assert pl.read_parquet(path)["requests"].to_list() == [3, 2**53]


def test_any_bit_of_any_byte_that_changes_is_told(tmp_path: Path) -> None:
    whole = _sealed(tmp_path).read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        with pytest.raises(SealError):
            verify(bytes(changed))


def test_a_file_that_was_cut_or_is_longer_is_told(tmp_path: Path) -> None:
    whole = _sealed(tmp_path).read_bytes()
    for changed in (b"", whole[:-1], whole[1:], whole + b"\0", whole[:40] + whole[41:]):
        with pytest.raises(SealError):
            verify(changed)


def test_what_was_never_sealed_has_no_seal(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    pl.DataFrame({"requests": [3]}).write_parquet(path)

    assert not is_sealed(path.read_bytes())
    with pytest.raises(SealError, match="no checksum"):
        verify(path.read_bytes())


@pytest.mark.parametrize("text", ["envoylogs.checksum", "envoylogs.checksum" + "0" * 64])
def test_words_of_a_log_are_no_seal(text: str, tmp_path: Path) -> None:
    path = _sealed(tmp_path, {"a": text, "envoylogs.logs": text, "z": text})

    verify(path.read_bytes())
    assert pl.read_parquet_metadata(path)["z"] == text


def test_a_disk_that_keeps_something_else_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _sealed(tmp_path).read_bytes()
    monkeypatch.setattr(Path, "read_bytes", lambda _: before[:-1] + b"2")

    with pytest.raises(OSError, match="does not hold what was written"):
        _sealed(tmp_path)
