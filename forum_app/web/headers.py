"""Response headers: strict Content-Security-Policy, no sniffing, no framing, no stray caching."""

from flask import Flask, Response, request

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'{workers}; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def init_app(app: Flask, *, secure: bool) -> None:
    """Set the headers on every response; a view may set its own Cache-Control."""

    @app.after_request
    def set_headers(response: Response) -> Response:
        headers = response.headers
        workers = " blob:" if headers.pop("X-Forum-Workers", None) else ""
        headers.setdefault("Content-Security-Policy", POLICY.format(workers=workers))
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(), microphone=()")
        if secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.endpoint == "static":
            if response.status_code in (200, 304):
                headers["Cache-Control"] = "public, max-age=31536000, immutable"
        elif "Cache-Control" not in headers:
            headers["Cache-Control"] = "private, no-cache"
            headers.setdefault("Vary", "Accept-Language, Cookie")
        return response
