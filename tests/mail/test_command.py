"""`forum mail` on the command line."""

import pytest
from flask import Flask
from sqlalchemy import select

from forum_app.cli import cli
from forum_app.core.errors import DomainError
from forum_app.db import db, transaction
from forum_app.mail.models import MailState, OutboxMail
from tests.mail.test_delivery import queue


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(cli.commands["mail"], arguments)
    if isinstance(result.exception, DomainError):
        return 1, str(result.exception)
    return result.exit_code, result.output


def test_listed_and_sent_again(app: Flask) -> None:
    queue(3, body="https://forum.test/reset/SECRET", subject="\x1b[31mRed\nline", last_error="550 no")
    with transaction():
        for mail in db.session.scalars(select(OutboxMail).where(OutboxMail.id < 3)):
            mail.state = MailState.FAILED
    status, text = run(app, "list")
    lines = text.splitlines()
    assert status == 0
    assert lines[0] == "1 queued, 0 sent, 2 failed, 0 dropped, 0 gathered"
    assert len(lines) == 4
    assert "SECRET" not in text
    assert "\x1b" not in text
    assert len(run(app, "list", "--state", "failed", "--most", "1")[1].splitlines()) == 2
    assert len(run(app, "list", "--search", "person1@")[1].splitlines()) == 2
    assert run(app, "list", "--event", "nowhere")[0] == 1
    assert run(app, "resend", "1") == (0, "1 mails are queued again.\n")
    assert run(app, "resend", "3")[0] == 1, "it waits already"
    assert run(app, "resend", "99")[0] == 1
    assert run(app, "resend")[0] == 2
    assert run(app, "resend", "--all-failed") == (0, "1 mails are queued again.\n")
    db.session.expire_all()
    assert set(db.session.scalars(select(OutboxMail.state))) == {MailState.QUEUED}


@pytest.mark.parametrize("arguments", [["list", "--most", "0"], ["resend", "x"], ["list", "--state", "gone"]])
def test_usage(app: Flask, arguments: list[str]) -> None:
    assert run(app, *arguments)[0] == 2
