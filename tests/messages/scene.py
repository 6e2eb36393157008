"""An event with people of all kinds, and its organizer."""

from typing import Any

from flask.testing import FlaskClient

from forum_app.accounts.models import User
from forum_app.db import db, transaction
from forum_app.events.models import Event
from forum_app.messages.groups import Group
from forum_app.messages.models import Message
from forum_app.messages.services import Words, save_message
from forum_app.registration.models import Registration
from forum_app.web import clock
from tests.factories import grant, make_event, make_participant_type, make_registration, make_user, sign_in

WORDS = Words(
    subject_en="The hall has moved",
    body_en="Please come to hall B.\n\nYour ticket: {ticket_url}",
    subject_ja="会場変更のお知らせ",
    body_ja="{name}様、会場がB館に変わりました。",
)


class Scene:
    """The event "forum"; people() adds to it."""

    def __init__(self) -> None:
        self.event: Event = make_event(slug="forum", title_en="Tech Forum", title_ja="技術フォーラム")
        self.organizer: User = make_user("organizer@forum.example", name_latin="Olga Organizer")
        grant(self.organizer, self.event)
        self.kind = make_participant_type(self.event)

    def person(self, locale: str = "en", **values: Any) -> Registration:
        user = make_user(locale=locale, **values.pop("user", {}))
        return make_registration(self.event, user, participant_type=values.pop("kind", self.kind), **values)

    def message(self, group: Group | None = None, *, words: Words = WORDS, optional: bool = False) -> Message:
        with transaction():
            return save_message(
                actor=self.organizer,
                event=self.event,
                words=words,
                group=group or Group(),
                optional=optional,
                now=clock.now(),
            )

    def browser(self, client: FlaskClient) -> FlaskClient:
        return sign_in(client, self.organizer)


def look_again() -> None:
    db.session.rollback()
    db.session.expire_all()
