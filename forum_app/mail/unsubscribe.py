"""Addresses by which a reader leaves an optional list without signing in."""

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from forum_app.core.addresses import email_key
from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.mail.lists import optional_lists
from forum_app.mail.messages import Leaving
from forum_app.mail.models import OutboxMail
from forum_app.mail.rendering import link
from forum_app.web.languages import speaking
from forum_app.web.texts import gettext

SALT = "forum-mail-list"
MOST_TOKEN = 1000


def leaving_token(address: str, name: str) -> str:
    """What stands for one address and one list, signed; it works for ever, as old mails' links must."""
    return str(_serializer().dumps([email_key(address), name]))


def read_token(token: str) -> tuple[str, str]:
    """Address (its key) and list; raises NotFound."""
    try:
        address, name = _serializer().loads(token[:MOST_TOKEN])
    except (BadSignature, ValueError, TypeError) as error:
        raise NotFound(N_("This link is not complete. Copy it from the mail as a whole.")) from error
    if name not in optional_lists:
        raise NotFound(N_("This link is not complete. Copy it from the mail as a whole."))
    return str(address), str(name)


def leaving_of(mail: OutboxMail) -> Leaving | None:
    """How the reader of a mail leaves its list; None for a mail of none."""
    if mail.listed is None or mail.listed not in optional_lists:
        return None
    with speaking(mail.locale):
        sentence = gettext(
            "You get this mail because “%(list)s” is switched on. To get no more of them:",
            list=optional_lists.label(mail.listed),
        )
    return Leaving(link("mail.leave", token=leaving_token(mail.to_address, mail.listed)), sentence)


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["FORUM_SETTINGS"].secret_key, salt=SALT)
