"""Traffic under load, which records what was acknowledged, and the audit that compares its record with what Nexus stored."""
