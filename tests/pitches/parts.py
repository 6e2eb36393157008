"""Calls, submissions and PDF files for the tests of pitches."""

import threading
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from flask import Flask
from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem, ItemKind
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.organizations.models import Organization
from forum_app.organizations.queries import list_areas
from forum_app.pitches.models import (
    Criterion,
    PitchCall,
    PitchReview,
    PitchSubmission,
    ReviewScore,
    SubmissionState,
)
from tests.factories import NOW, make_item, save

FAR = datetime(2099, 1, 1, tzinfo=UTC)


def make_call(event: Event, **values: Any) -> PitchCall:
    """An open call with two criteria (weights 3 and 1, best score 5) and two areas."""
    values.setdefault("text_en", "Ten minutes on stage.")
    values.setdefault("text_ja", "10分間の発表です。")
    values.setdefault("opens_at", NOW - timedelta(days=400))
    values.setdefault("closes_at", FAR)
    values.setdefault("areas", list(list_areas()[:2]))
    values.setdefault(
        "criteria",
        [
            Criterion(name_en="Need", name_ja="需要", weight=3, best_score=5, position=0),
            Criterion(name_en="Team", name_ja="体制", weight=1, best_score=5, position=1),
        ],
    )
    call = PitchCall(event_id=event.id, **values)
    save(call)
    return call


def make_pitch(
    call: PitchCall, organization: Organization, submitter: User | None = None, **values: Any
) -> PitchSubmission:
    values.setdefault("state", SubmissionState.SUBMITTED)
    values.setdefault("title_en", "Wind from far away")
    values.setdefault("abstract_en", "A Doppler lidar that fits on a truck.")
    values.setdefault("presenter", "Hanako Kaze")
    values.setdefault("stage", "prototype")
    if values["state"] != SubmissionState.DRAFT:
        values.setdefault("submitted_at", NOW)
    pitch = PitchSubmission(
        call_id=call.id,
        organization_id=organization.id,
        submitter_id=submitter.id if submitter is not None else None,
        created_at=NOW,
        **values,
    )
    save(pitch)
    return pitch


def make_review(pitch: PitchSubmission, reviewer: User, *scores: int, **values: Any) -> PitchReview:
    """scores: in the order of the criteria."""
    review = PitchReview(
        submission_id=pitch.id,
        reviewer_id=reviewer.id,
        created_at=NOW,
        changed_at=NOW,
        scores=[
            ReviewScore(criterion_id=criterion.id, score=score)
            for criterion, score in zip(pitch.call.criteria, scores, strict=False)
        ],
        **values,
    )
    save(review)
    return review


def make_block(event: Event, **values: Any) -> AgendaItem:
    """An hour for pitches on the first day."""
    values.setdefault("title_en", "Pitch block")
    return make_item(event, kind=ItemKind.PITCH_BLOCK, **values)


def pdf(pages: int = 3, change: Callable[[PdfWriter], None] | None = None) -> bytes:
    """A deck of blank pages."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(960, 540)
    if change is not None:
        change(writer)
    buffer = BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def raw_pdf(*objects: bytes) -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalog."""
    content = b"%PDF-1.7\n"
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for number, body in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(content)
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return content + table + end % (len(objects) + 1, len(content))


def with_javascript(writer: PdfWriter) -> None:
    script = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1);")}
    )
    tree = DictionaryObject({NameObject("/Names"): ArrayObject([TextStringObject("a"), script])})
    writer.root_object[NameObject("/Names")] = DictionaryObject({NameObject("/JavaScript"): tree})


def with_attachment(writer: PdfWriter) -> None:
    writer.add_attachment("notes.txt", b"a file in a file")


def encrypted(writer: PdfWriter) -> None:
    writer.encrypt("secret")


def opening(action: str) -> Callable[[PdfWriter], None]:
    """A document that does something when it is opened."""

    def change(writer: PdfWriter) -> None:
        writer.root_object[NameObject("/OpenAction")] = DictionaryObject(
            {NameObject("/S"): NameObject(action), NameObject("/F"): TextStringObject("calc.exe")}
        )

    return change


def opening_at_a_page(writer: PdfWriter) -> None:
    """What many programs write: open at the first page."""
    writer.root_object[NameObject("/OpenAction")] = ArrayObject([NumberObject(0), NameObject("/Fit")])


def page_action(writer: PdfWriter) -> None:
    writer.pages[0][NameObject("/AA")] = DictionaryObject(
        {
            NameObject("/O"): DictionaryObject(
                {NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("calc.exe")}
            )
        }
    )


def bomb(writer: PdfWriter) -> None:
    """A page whose content unfolds to 400 MB."""
    machine = zlib.compressobj(9)
    zeros = b"\0" * (4 * 1024 * 1024)
    data = b"".join(machine.compress(zeros) for _ in range(100)) + machine.flush()
    stream = DecodedStreamObject()
    stream._data = data
    stream[NameObject("/Filter")] = NameObject("/FlateDecode")
    writer.pages[0][NameObject("/Contents")] = writer._add_object(stream)


def huge_picture(writer: PdfWriter) -> None:
    stream = DecodedStreamObject()
    stream._data = b"x"
    for key, value in (("/Width", 100_000), ("/Height", 100_000)):
        stream[NameObject(key)] = NumberObject(value)
    stream[NameObject("/Subtype")] = NameObject("/Image")
    writer.pages[0][NameObject("/Picture")] = writer._add_object(stream)


def together(app: Flask, *actions: Callable[[], object]) -> list[object]:
    """Run actions at the same moment, each on a connection of its own: results or exceptions."""
    barrier = threading.Barrier(len(actions))
    results: list[object] = [None] * len(actions)

    def run(number: int, action: Callable[[], object]) -> None:
        with app.app_context():
            barrier.wait(30)
            try:
                results[number] = action()
            except Exception as error:
                results[number] = error
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results
