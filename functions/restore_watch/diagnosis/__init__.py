"""A diagnosis: what works, what does not, and exactly how to fix it. It changes nothing."""
