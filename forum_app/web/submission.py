"""One form, one transaction, one answer, however often the form is sent."""

import hashlib
from datetime import datetime, timedelta
from types import TracebackType

from flask import Flask, flash, redirect, request, session
from flask_login import current_user
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from werkzeug.wrappers import Response

from forum_app.db import Base, db, run, transaction
from forum_app.web import clock
from forum_app.web.models import SentForm

MAX_KEY = 100
_SENT = Base.metadata.tables[SentForm.__tablename__]
_CLAIMS = {
    "sqlite": sqlite.insert(_SENT).on_conflict_do_nothing().returning(_SENT.c.digest),
    "postgresql": postgresql.insert(_SENT).on_conflict_do_nothing().returning(_SENT.c.digest),
}
_ANSWER = (
    update(_SENT)
    .where(_SENT.c.digest == bindparam("sent"))
    .values(location=bindparam("location"), flash=bindparam("flash"))
)
KEPT = timedelta(days=7)  # so long a form that lies open in a browser acts once


class Replayed(Exception):
    """This form was acknowledged before; the first answer is given again."""

    def __init__(self, location: str, message: str | None) -> None:
        super().__init__(location)
        self.location = location
        self.message = message


class submission:
    """Context of one acknowledged form: a transaction() that also claims the form's key.

    The body calls one service and then done.redirect(...). If the key was claimed before, the body
    is not run and the browser gets the first answer. If the body raises, nothing is kept, the key
    neither. keep: a row (the person who sends) that need not be read again, see transaction().
    """

    def __init__(self, *, keep: object = None) -> None:
        self._transaction = transaction(keep=keep)
        self._digest: str | None = None
        self._location: str | None = None
        self._flash: tuple[str, str] | None = None

    def __enter__(self) -> "submission":
        self._digest = _digest()
        self._transaction.__enter__()
        if self._digest is not None:
            try:
                self._claim(self._digest)
            except BaseException as error:
                self._transaction.__exit__(type(error), error, error.__traceback__)
                raise
        return self

    def redirect(self, location: str, *, flash: str | None = None, category: str = "success") -> None:
        """Answer with 303 to location, with an optional message, once all is committed."""
        self._location = location
        self._flash = (flash, category) if flash else None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        if kind is None and self._digest is not None and self._location is not None:
            told = self._flash[0] if self._flash else None
            run(_ANSWER, {"sent": self._digest, "location": self._location, "flash": told})
        return self._transaction.__exit__(kind, error, trace)

    @property
    def response(self) -> Response:
        """The answer; to be returned after the with block."""
        if self._location is None:
            raise RuntimeError("a submission needs a redirect")
        if self._flash:
            flash(*self._flash)
        return redirect(self._location, 303)

    @staticmethod
    def _claim(digest: str) -> None:
        # A second sending waits here for the first one's commit, then finds its answer. The row is
        # asked back, since PostgreSQL's driver gives no count of rows for this statement (-1).
        claim = _CLAIMS[db.session.get_bind().dialect.name]
        if run(claim, {"digest": digest, "created_at": clock.now()}).scalar() is not None:
            return
        row = db.session.execute(
            select(SentForm.location, SentForm.flash).where(SentForm.digest == digest)
        ).one()
        raise Replayed(row.location or request.path, row.flash)


def _digest() -> str | None:
    """Digest of the form's key, the path and the sender; None when the form bears no key."""
    key = request.form.get("idempotency_key", "")
    if not key or len(key) > MAX_KEY:
        return None
    sender = current_user.get_id() if current_user.is_authenticated else session.get("csrf_token")
    return hashlib.sha256(f"{sender}\0{request.path}\0{key}".encode()).hexdigest()


def forget_old(now: datetime) -> None:
    """Delete the keys of forms that were sent long ago."""
    db.session.execute(delete(SentForm).where(SentForm.created_at < now - KEPT))


def init_app(app: Flask) -> None:
    """Give a replayed form its first answer."""

    @app.errorhandler(Replayed)
    def answer_again(replayed: Replayed) -> Response:
        if replayed.message:
            flash(replayed.message, "success")
        return redirect(replayed.location, 303)
