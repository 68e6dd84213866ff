"""Parsers of what Nexus reports: metrics, logs and timelines."""
