"""What people are told, before any channel gives it a form. No I/O."""
