"""Exports → activities: every row read, typed, and given its first problem or none."""
