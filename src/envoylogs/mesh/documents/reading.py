"""Reading what was given, file by file."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import msgspec

from envoylogs.errors import SourceError
from envoylogs.mesh.documents.collecting import Collecting
from envoylogs.mesh.documents.files import located, opened
from envoylogs.mesh.documents.json_text import is_json, json_documents
from envoylogs.mesh.documents.kubernetes import Place
from envoylogs.mesh.documents.refusals import HEAD_BYTES, refuse_by_head
from envoylogs.mesh.documents.yaml_text import yaml_documents
from envoylogs.mesh.errors import MeshFileError, NotConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.mesh.configuration import Configuration

_MENDED_BYTES = 64 * 1024 * 1024
"""How large a broken JSON may be to be read as YAML, which takes stray commas but much longer."""


def read_configuration(given: Sequence[str], stdin: BinaryIO | None = None) -> Configuration:
    """Read objects and dumps from files.

    A file that is something else, or broken, is an error if it was named; one in a folder, or
    found by a pattern, is passed over with a warning.

    Args:
        given: Files, folders with all that is below them (``*.yaml``, ``*.yml``, ``*.json``,
            compressed ones too), patterns, or ``-``, in the order in which they are read.
        stdin: What ``-`` reads; null for the standard input of the process.

    Raises:
        SourceError: If something is not there or can't be read.
        MeshFileError: If a file that was named can't be read as configuration.
    """
    collecting = Collecting()
    for source in located(given):
        before = collecting.documents
        try:
            with opened(source, stdin) as data:
                _read(data, source.name, collecting, found=source.found)
        except (MeshFileError, SourceError) as error:
            if not source.found:
                raise
            is_part = collecting.documents > before
            if is_part or not isinstance(error, NotConfigurationError):
                collecting.unread.append(source.name)
            rest = "What comes before was read." if is_part else "It was passed over."
            collecting.warn(f"{error} {rest}")
    return collecting.configuration()


def _read(data: memoryview, name: str, collecting: Collecting, *, found: bool) -> None:
    head = bytes(data[:HEAD_BYTES])
    if found and not head.strip():
        return
    refuse_by_head(name, head)
    if is_json(data):
        _read_json(data, name, collecting)
    else:
        for document in yaml_documents(bytes(data), name, collecting.warn):
            place = Place(name, document.line)
            collecting.add(document.value, place, document.list_kind)


def _read_json(data: memoryview, name: str, collecting: Collecting) -> None:
    count = 0
    try:
        for document in json_documents(data, name):
            collecting.add(document, Place(name))
            count += 1
    except msgspec.DecodeError:
        raise MeshFileError.syntax(name, "a key is no text in UTF-8", "JSON") from None
    except NotConfigurationError:
        raise
    except MeshFileError as error:
        if count or len(data) > _MENDED_BYTES:
            raise
        try:
            documents = list(yaml_documents(bytes(data), name, collecting.warn))
        except MeshFileError:
            # What is wrong with it as YAML is of no use to who gave JSON.
            raise error from None
        collecting.warn(f"{error} It was read as YAML.")
        for each in documents:
            collecting.add(each.value, Place(name, each.line), each.list_kind)
