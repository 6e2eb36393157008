"""What can go wrong in the forum's own terms. The edge turns each kind into an HTTP status."""

from collections.abc import Sequence


class DomainError(Exception):
    """A use case refused, with a sentence for the person who asked.

    message: English, marked with N_, with named placeholders filled from params at the edge,
    after translation into the reader's language.
    """

    def __init__(self, message: str, **params: object) -> None:
        super().__init__(message)
        self.message = message
        self.params = params

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


class NotFound(DomainError):
    """Not there, or not to be known about (404)."""


class PermissionDenied(DomainError):
    """The person is known and may not do this (403)."""


class Conflict(DomainError):
    """Somebody was faster, or the state has moved on (409).

    alternatives: the next best choices, ready to show, best first.
    """

    def __init__(self, message: str, *, alternatives: Sequence[object] = (), **params: object):
        super().__init__(message, **params)
        self.alternatives = list(alternatives)


class Unavailable(DomainError):
    """Something outside, such as the store of files, does not answer; nothing was changed (503)."""


class Invalid(DomainError):
    """What was typed cannot be taken (422); field names the form field it is about."""

    def __init__(self, message: str, *, field: str | None = None, **params: object) -> None:
        super().__init__(message, **params)
        self.field = field
