"""Reads the event of an invocation: JSON becomes a request, or an error that names the field."""
