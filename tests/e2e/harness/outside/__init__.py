"""Peers of Nexus, played by tests: receivers, trace collectors, Prometheus, raw sockets."""
