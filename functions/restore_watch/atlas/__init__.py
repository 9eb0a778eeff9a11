"""The Atlas Admin API for restore jobs. Knows nothing about AWS."""
