"""Code that both functions use. It knows nothing of restores, Atlas or people."""
