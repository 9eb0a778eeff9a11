"""The model: restore jobs, their changes and verdicts, marks and outages. No I/O, no lock."""
