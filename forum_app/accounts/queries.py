"""Reading users."""

import unicodedata

from sqlalchemy import select

from forum_app.accounts.models import User
from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db


def email_key(email: str) -> str:
    """Normal form under which an address is unique: NFKC, without white space, case folded."""
    return "".join(unicodedata.normalize("NFKC", email).split()).casefold()


def get_user(user_id: int) -> User:
    """The user; raises NotFound."""
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound(N_("There is no such account."))
    return user


def find_user_by_email(email: str) -> User | None:
    """The user with that address, in whatever case it is typed."""
    return db.session.scalar(select(User).where(User.email_key == email_key(email)))
