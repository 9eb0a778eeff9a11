"""`make demo`: what the watch does, with the real function in a stack on this machine."""
