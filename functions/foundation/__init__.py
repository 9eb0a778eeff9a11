"""Code that both functions use. It knows nothing of restores, Atlas or people."""

__version__ = "1.1.0"
"""The version is set here. template.yaml has to repeat it as text; a test compares the two."""

USER_AGENT = f"atlas-restore-watch/{__version__}"
