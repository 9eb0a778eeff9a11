"""What is watched: restore jobs, their changes and verdicts, marks and outages. No I/O, no lock."""
