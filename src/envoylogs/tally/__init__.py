"""Normalized frames as mergeable states: everything remembered of a set of log lines."""
