"""Benchmarks of whole processes: ccbill beside scripts that decide the same."""
