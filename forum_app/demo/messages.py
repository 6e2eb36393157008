"""A message that the organizers are about to send."""

from datetime import datetime

from forum_app.accounts.models import User
from forum_app.events.models import Event
from forum_app.messages.groups import Group
from forum_app.messages.services import Words, save_message

WORDS = Words(
    subject_en="Please answer the requests for meetings",
    body_en=(
        "Somebody at {event} wishes to meet you and waits for your answer. The schedule is made from what both"
        " sides have agreed to, so please say yes or no in good time:\n{meetings_url}\n\n"
        "{organization} is in the directory as you registered it:\n{registration_url}"
    ),
    subject_ja="面談の依頼へのご回答のお願い",
    body_ja=(
        "{event}で面談を希望される方が、ご回答をお待ちです。日程表は双方の合意に基づいて作成しますので、"
        "お早めにご回答ください。\n{meetings_url}\n\n"
        "{organization}としてのご登録内容は、こちらでご確認いただけます。\n{registration_url}"
    ),
)


def seed_message(event: Event, *, actor: User, now: datetime) -> None:
    """A draft to those who have not answered."""
    group = Group(traits=("unanswered",))
    save_message(actor=actor, event=event, words=WORDS, group=group, optional=False, now=now)
