"""The Atlas Admin API, as far as restore jobs go. Knows nothing of AWS."""
