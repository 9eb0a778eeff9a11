"""One restore job: ask Atlas, record a change, publish it, answer who waits for it."""
