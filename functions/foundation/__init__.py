"""What both functions stand on. It knows nothing of restores, Atlas or people."""
