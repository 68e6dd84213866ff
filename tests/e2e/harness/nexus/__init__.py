"""A Nexus for tests: its processes, its database, and nexusctl."""
