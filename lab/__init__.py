"""A real Envoy on loopback, configured as Istio configures its ingress gateway.

It writes the access logs that tests and sample logs are made of, and a
manifest of what the client and the upstreams counted by themselves.
"""
