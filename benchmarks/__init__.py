"""Benchmarks of `envoylogs`, and the generator of logs they share with the oracle tests."""
