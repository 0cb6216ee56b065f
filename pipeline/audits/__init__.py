"""Audits: what lies there, whether it is sound, and what a run would do."""
