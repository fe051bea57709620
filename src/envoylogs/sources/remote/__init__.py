"""Logs in object stores and behind HTTP; the extra `remote` brings what asks them."""
