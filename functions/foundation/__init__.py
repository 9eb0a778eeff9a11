"""What the packages of the functions stand on. It knows nothing of restores, Atlas or people."""

__version__ = "2.0.0"
"""The version is set here, and CHANGELOG.md begins with it."""

USER_AGENT = f"atlas-restore-watch/{__version__}"
