"""Errors that only the server raises, with the same codes as the command line."""

from typing import ClassVar

from features.errors import ExitStatus, LeadScoreError


class ServingError(LeadScoreError):
    """Base of the errors that only the server raises; ``status`` is the HTTP status.

    On the command line (``leadscore keys``, ``serve``) they speak of what was asked for: wrong usage, no bug.
    """

    code = "LS100"
    status: ClassVar[int] = 400
    exit_status = ExitStatus.USAGE


class UnknownLeadError(ServingError):
    """A lead that is not in the data, or not the caller's to see."""

    code, status = "LS101", 404


class NotFoundError(ServingError):
    """An upload, feedback, webhook or page that does not exist."""

    code, status = "LS102", 404


class SignInError(ServingError):
    """No key or session, or one that is not valid."""

    code, status = "LS103", 401


class ConfirmError(SignInError):
    """A session that the identity provider must confirm before it goes on."""


class ScopeError(ServingError):
    """A key without the scope asked for, or a request forged by another site."""

    code, status = "LS104", 403


class TooLargeError(ServingError):
    """A body, a page or a list over the limit."""

    code, status = "LS105", 413


class RateLimitError(ServingError):
    """More requests than the rate limit allows."""

    code, status = "LS106", 429


class RequestTimeoutError(ServingError):
    """A request that took longer than allowed."""

    code, status = "LS107", 504


class ConflictError(ServingError):
    """The same idempotency key with another body, or a state that does not allow the request."""

    code, status = "LS108", 409


class InvalidError(ServingError):
    """A request that can be read but not used."""

    code, status = "LS109", 422


class NotReadyError(ServingError):
    """No model is loaded."""

    code, status = "LS110", 503


class UnprotectedServerError(ServingError):
    """A public address without an API key."""

    code, status = "LS111", 500


class OidcSettingsError(ServingError):
    """Sign-in through a provider is configured so that it cannot work."""

    code, status = "LS113", 500


class SignInRefusedError(ServingError):
    """A sign-in through the provider that is not accepted."""

    code, status = "LS114", 403


class ProviderError(ServingError):
    """The identity provider cannot be reached, or its answer cannot be trusted."""

    code, status = "LS115", 502
