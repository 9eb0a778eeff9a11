"""All restore jobs, once for each tick: those that are known, and those that nobody named."""
