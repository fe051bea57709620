"""Envoy's own matching: which filter chain, virtual host and route take a request.

What a log does not hold is never guessed: where it decides, the answer is "may".
"""
