"""Arguments in, exit code out; no number is made here."""
