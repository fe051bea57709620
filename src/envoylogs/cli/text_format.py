"""The format of ``--text-format``, wherever it was set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.cli.settings import origin_of
from envoylogs.errors import TextFormatError

if TYPE_CHECKING:
    import typer

    from envoylogs.envoy.field_keys import FieldKeys
    from envoylogs.envoy.text_formats import TextFormat

__all__ = ["parsed_text_format"]


def parsed_text_format(
    context: typer.Context, text: str | None, keys: FieldKeys
) -> TextFormat | None:
    """Return the format of ``--text-format``, taken apart.

    Args:
        context: Tells where the format comes from, which an error says.
        text: The format.
        keys: Which headers and operators hold which columns.

    Raises:
        TextFormatError: If no line can be read by it.
    """
    if text is None:
        return None
    from envoylogs.envoy.text_formats import parse_format

    try:
        return parse_format(text, keys)
    except TextFormatError as error:
        raise error.given_by(origin_of(context, "text_format")) from None
