"""The ledger: every run, what was submitted, and what stands. One SQLite file, no server."""
