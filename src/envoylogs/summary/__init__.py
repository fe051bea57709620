"""A tally as result tables: pure functions, one question a module."""
