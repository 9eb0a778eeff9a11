"""What an invocation asks for: JSON becomes a request, or an error that names the field."""
