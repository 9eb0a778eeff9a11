"""The HTTP client for Atlas: its connections, the bounds of an exchange, and opened envelopes."""
