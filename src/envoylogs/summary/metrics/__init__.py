"""The counts of a tally as metrics for monitoring, with a bounded number of series."""
