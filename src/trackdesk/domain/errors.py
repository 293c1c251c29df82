"""The one family of errors. The server turns it into problem+json, the console into a dialog, the CLI into one line."""

from __future__ import annotations

from dataclasses import dataclass

SHOWN_VALUE_LENGTH = 100
"""Characters of a refused value that an error repeats; the rest is cut so that an answer stays small."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one member, parameter or header; `field` is a dotted path such as `tags.env`."""

    field: str
    message: str


class TrackdeskError(Exception):
    """An answer that is no success: an HTTP status, a stable `code` for programs and a sentence for people."""

    status = 500
    code = "internal"
    title = "Internal error"

    def __init__(self, detail: str, *, errors: tuple[FieldError, ...] = (), code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        if code is not None:
            self.code = code

    retry_after: int | None = None
    """Seconds after which trying again makes sense, where that is known."""


class Invalid(TrackdeskError):
    """Input that breaks a rule: names the field, the value given and what is accepted."""

    status = 400
    code = "invalid"
    title = "Invalid request"

    def __init__(self, field: str, message: str, value: object = None, *, code: str | None = None) -> None:
        shown = "" if value is None else f", not {shorten(value)}"
        self.field = field
        super().__init__(f"{field}: {message}{shown}", errors=(FieldError(field, message + shown),), code=code)

    @classmethod
    def of(cls, errors: tuple[FieldError, ...]) -> Invalid:
        """One error for several fields at once; `errors` is not empty."""
        error = cls(errors[0].field, errors[0].message)
        error.errors = errors
        error.detail = "; ".join(f"{each.field}: {each.message}" for each in errors[:5])
        error.args = (error.detail,)
        return error


class Unauthorized(TrackdeskError):
    status = 401
    code = "unauthorized"
    title = "Key missing or unknown"


class Forbidden(TrackdeskError):
    status = 403
    code = "forbidden"
    title = "Not allowed"


class NotFound(TrackdeskError):
    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(TrackdeskError):
    """The request is fine but clashes with the state of things; `code` says how (`run_active`, `changed`, …)."""

    status = 409
    code = "conflict"
    title = "Conflict"


class TooLarge(TrackdeskError):
    status = 413
    code = "too_large"
    title = "Body too large"


class UnsupportedMedia(TrackdeskError):
    status = 415
    code = "unsupported_media_type"
    title = "Content type not supported"


class RateLimited(TrackdeskError):
    status = 429
    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(TrackdeskError):
    """The server can't do it now (`overloaded`, `storage_full`, `not_ready`); nothing was written."""

    status = 503
    code = "overloaded"
    title = "Not available now"

    def __init__(self, detail: str, *, code: str = "overloaded", retry_after: int = 1) -> None:
        super().__init__(detail, code=code)
        self.retry_after = retry_after


_JSON_WORDS = {None: "null", True: "true", False: "false"}


def shorten(value: object) -> str:
    """A value as an error shows it: quoted, escaped and cut; what JSON spells otherwise than Python as JSON does."""
    try:
        text = _JSON_WORDS[value] if value is None or isinstance(value, bool) else repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, or nesting without end
        text = f"a {type(value).__name__} too large to show"
    return text if len(text) <= SHOWN_VALUE_LENGTH else text[: SHOWN_VALUE_LENGTH - 1] + "…"
