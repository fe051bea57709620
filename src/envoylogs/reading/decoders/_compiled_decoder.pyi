from typing import TypeAlias

class Column:
    def __arrow_c_array__(self, requested_schema: object = None, /) -> tuple[object, object]: ...

_Columns: TypeAlias = list[tuple[int, Column]]

class Decoder:
    height: int
    size: int
    def __init__(
        self,
        seed: bytes,
        keeps_lines: bool,
        refuses_unused: bool,
        logged: int,
        pod: int,
        namespace: int,
        container: int,
        /,
    ) -> None: ...
    def add_column(
        self, kind: int, least: int, most: int, with_shape: bool, is_seldom: bool, /
    ) -> None: ...
    def add_trait(self, column: int, is_zero: bool, /) -> None: ...
    def add_head(self, head: bytes, /) -> None: ...
    def add_format(
        self,
        operators: list[tuple[bytes, bool, bytes, bool, int, int]],
        last: bytes,
        is_prefix: bool,
        is_lenient: bool,
        is_last_free: bool,
        /,
    ) -> None: ...
    def lay_out(self) -> None: ...
    def begin_source(self, pod: bytes, namespace: bytes, container: bytes, /) -> None: ...
    def add_key(
        self, name: bytes, meaning: int, column: int, rank: int, tells_record: bool, /
    ) -> bool: ...
    def read(
        self, data: bytes | bytearray, at: int, number: int, /
    ) -> tuple[int, int, int, int, int, bytes | None]: ...
    def mark_keys(self, marks: bytes, /) -> bool: ...
    def enveloped(self) -> tuple[int, int]: ...
    def take(
        self,
    ) -> tuple[
        _Columns,
        _Columns,
        Column,
        Column,
        Column,
        Column,
        Column,
        _Columns,
        _Columns,
        _Columns,
        _Columns,
        list[int],
        list[tuple[bytes, int]],
    ]: ...
