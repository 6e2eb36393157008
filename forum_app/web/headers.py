"""Response headers: strict Content-Security-Policy, no sniffing, no framing, no stray caching."""

from flask import Flask, Response, request

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'{workers}; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
FIXED = {
    "Content-Security-Policy": POLICY.format(workers=""),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


def init_app(app: Flask, *, secure: bool) -> None:
    """Set the headers on every response; a view may set its own Cache-Control."""
    fixed = {**FIXED, **({"Strict-Transport-Security": "max-age=31536000"} if secure else {})}

    @app.after_request
    def set_headers(response: Response) -> Response:
        headers = response.headers
        there = {name.lower() for name, _ in headers}  # looked through once, not once for each header
        if "x-forum-workers" in there:
            del headers["X-Forum-Workers"]
            headers.setdefault("Content-Security-Policy", POLICY.format(workers=" blob:"))
            there.add("content-security-policy")
        for name, value in fixed.items():
            if name.lower() not in there:
                headers.add(name, value)
        if request.endpoint == "static":
            if response.status_code in (200, 304):
                headers["Cache-Control"] = "public, max-age=31536000, immutable"
        elif "cache-control" not in there:
            headers.add("Cache-Control", "private, no-cache")
            if "vary" not in there:
                headers.add("Vary", "Accept-Language, Cookie")
        return response
