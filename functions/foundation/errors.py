"""The roots of the errors of all functions."""


class ApplicationError(Exception):
    """The root of every error that a function raises on purpose."""


class ConfigurationError(ApplicationError):
    """An environment variable is missing or wrong. Raised while the function initialises."""


class TimeBudgetExceededError(ApplicationError):
    """Too little of the invocation is left to begin the next step safely."""
