"""Rows that repeat, numbered and counted: in C where that was built."""
