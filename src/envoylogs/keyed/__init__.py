"""From decoded blocks to batches: what keys mean, which records are looked at, and as whom."""
