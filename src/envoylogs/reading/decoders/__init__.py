"""Decoders: from what stands inside of envelopes to keys and rows."""
