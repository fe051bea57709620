"""Attacks on the program, each as often as it is told, and what came of them.

`python -m benchmarks.attacks` prints the table of `docs/reliability.md`.
"""
