"""Reviewing and deciding: scores, conflicts, places in the agenda, who may see and do what."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem, ItemKind, ItemStatus
from forum_app.agenda.publication import publish_agenda
from forum_app.core.errors import Conflict
from forum_app.db import db, transaction
from forum_app.events.models import Event, EventRole
from forum_app.mail.models import OutboxMail
from forum_app.organizations.models import MemberRole, Organization
from forum_app.pitches.decision_services import decide, presenters
from forum_app.pitches.models import (
    SUBMISSION_TRANSITIONS,
    Criterion,
    PitchCall,
    PitchReview,
    PitchSubmission,
    ReviewScore,
    SubmissionState,
)
from forum_app.pitches.review_services import save_review
from tests.factories import (
    NOW,
    grant,
    make_event,
    make_member,
    make_organization,
    make_user,
    sign_in,
)
from tests.pitches.parts import make_block, make_call, make_pitch, make_review, pdf, together
from tests.queries import LIMIT_PER_PAGE, count_queries

S = SubmissionState


class Scene:
    """An event with a pitch, its start-up, a reviewer, a reviewer of that start-up and an organizer."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.event: Event = make_event()
        self.call: PitchCall = make_call(self.event)
        self.startup: Organization = make_organization(name_en="Kaze Sensing", name_ja="風センシング")
        self.founder: User = make_user(name_latin="Hanako Kaze", name_native="風花子", locale="ja")
        make_member(self.founder, self.startup)
        self.member: User = make_user()
        make_member(self.member, self.startup, role=MemberRole.MEMBER)
        self.rival: User = make_user()
        make_member(self.rival, make_organization())
        self.reviewer: User = make_user(name_latin="Rika Reviewer")
        self.second: User = make_user(name_latin="Sam Second")
        self.torn: User = make_user(name_latin="Torn Between")
        make_member(self.torn, self.startup, role=MemberRole.MEMBER)
        self.organizer: User = make_user()
        self.foreign: User = make_user()
        for user in (self.reviewer, self.second, self.torn):
            grant(user, self.event, EventRole.PITCH_REVIEWER)
        grant(self.organizer, self.event)
        grant(self.foreign, make_event())
        deck = app.extensions["forum_storage"].save(pdf(2), "pdf")
        self.pitch: PitchSubmission = make_pitch(
            self.call, self.startup, self.founder, title_ja="遠くの風", deck_file=deck, deck_name="d.pdf"
        )

    def client(self, user: User | None) -> FlaskClient:
        client = self.app.test_client()
        return client if user is None else sign_in(client, user)

    def path(self, rest: str = "") -> str:
        return f"/events/{self.event.slug}/pitches{rest}"

    def manage(self, rest: str = "") -> str:
        return f"/events/{self.event.slug}/manage/pitches{rest}"

    def votes(self, *scores: int, **changes: Any) -> dict[str, Any]:
        pairs = zip(self.call.criteria, scores, strict=False)
        return {**{f"score_{criterion.id}": score for criterion, score in pairs}, **changes}

    def decision(self, to: SubmissionState, **changes: Any) -> dict[str, Any]:
        db.session.rollback()
        return {"decision": to.value, "version": self.pitch.version, **changes}


@pytest.fixture
def scene(app: Flask) -> Scene:
    return Scene(app)


def fresh(model: type[Any]) -> list[Any]:
    db.session.rollback()
    return list(db.session.scalars(select(model)))


def mails(kind: str) -> list[OutboxMail]:
    return [mail for mail in fresh(OutboxMail) if mail.kind == f"pitches/{kind}"]


# --- Who may do what -------------------------------------------------------------------------------
PEOPLE = ("stranger", "rival", "founder", "member", "torn", "reviewer", "foreign", "organizer", "admin")
MATRIX: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    # stranger, rival, founder, member, torn, reviewer, foreign, organizer, admin
    ("GET", "pitches", (200, 200, 200, 200, 200, 200, 200, 200, 200)),
    ("GET", "pitches/submit", (302, 200, 302, 302, 302, 200, 200, 200, 200)),
    ("GET", "pitches/CODE", (302, 404, 200, 200, 200, 302, 404, 302, 302)),
    ("GET", "pitches/CODE/edit", (302, 404, 200, 200, 200, 404, 404, 404, 404)),
    ("GET", "pitches/CODE/withdraw", (302, 404, 200, 200, 200, 404, 404, 404, 404)),
    ("GET", "pitches/CODE/deck", (302, 404, 200, 200, 200, 200, 404, 200, 200)),
    ("GET", "pitches/review", (302, 403, 403, 403, 200, 200, 403, 200, 200)),
    ("GET", "pitches/CODE/review", (302, 403, 403, 403, 404, 200, 403, 200, 200)),
    ("POST", "pitches/CODE/review/conflict", (302, 403, 403, 403, 404, 303, 403, 303, 303)),
    ("POST", "pitches/CODE/review/no-conflict", (302, 403, 403, 403, 404, 303, 403, 303, 303)),
    ("GET", "manage/pitches", (302, 403, 403, 403, 403, 403, 403, 200, 200)),
    ("GET", "manage/pitches/CODE", (302, 403, 403, 403, 403, 403, 403, 200, 200)),
    ("POST", "manage/pitches/decide", (302, 403, 403, 403, 403, 403, 403, 422, 422)),
    ("POST", "manage/pitches/CODE/decide", (302, 403, 403, 403, 403, 403, 403, 422, 422)),
    ("POST", "manage/pitches/CODE/place", (302, 403, 403, 403, 403, 403, 403, 422, 422)),
    ("GET", "manage/pitches/call", (302, 403, 403, 403, 403, 403, 403, 200, 200)),
    ("POST", "manage/pitches/call", (302, 403, 403, 403, 403, 403, 403, 422, 422)),
    ("POST", "manage/pitches/criteria", (302, 403, 403, 403, 403, 403, 403, 422, 422)),
    ("GET", "manage/pitches/criteria/ID", (302, 403, 403, 403, 403, 403, 403, 200, 200)),
    ("POST", "manage/pitches/criteria/ID/remove", (302, 403, 403, 403, 403, 403, 403, 303, 303)),
)


@pytest.mark.parametrize("column", range(len(PEOPLE)), ids=PEOPLE)
def test_who_may_come_in_where(scene: Scene, column: int) -> None:
    name = PEOPLE[column]
    user = {"stranger": None, "admin": make_user(is_admin=True)}.get(name) or getattr(scene, name, None)
    client = scene.client(None if name == "stranger" else user)
    code, criterion = scene.pitch.code, str(scene.call.criteria[0].id)
    found, wanted = {}, {}
    for method, route, statuses in MATRIX:
        path = f"/events/{scene.event.slug}/{route}".replace("CODE", code).replace("ID", criterion)
        found[f"{method} {route}"] = client.open(path, method=method).status_code
        wanted[f"{method} {route}"] = statuses[column]
    assert found == wanted


def test_drafts_are_their_authors_alone(scene: Scene) -> None:
    other = make_organization()
    draft = make_pitch(
        scene.call, other, state=S.DRAFT, title_en="Unfinished", deck_file=scene.pitch.deck_file
    )
    for user in (scene.organizer, scene.reviewer):
        client = scene.client(user)
        for rest in ("", "/deck", "/review"):
            assert client.get(scene.path(f"/{draft.code}{rest}")).status_code == 404
        assert "Unfinished" not in client.get(scene.path("/review")).get_data(as_text=True)
    organizer = scene.client(scene.organizer)
    assert organizer.get(scene.manage(f"/{draft.code}")).status_code == 404
    assert "Unfinished" not in organizer.get(scene.manage()).get_data(as_text=True)


def test_a_pitch_under_review_belongs_to_the_tab_of_reviewers(scene: Scene) -> None:
    page = scene.client(scene.reviewer).get(scene.path(f"/{scene.pitch.code}/review")).get_data(as_text=True)
    marked = [line for line in page.splitlines() if 'aria-current="page"' in line and "/pitches" in line]
    assert [f'href="{scene.path("/review")}"' in line for line in marked] == [True]


def test_codes_of_another_event_are_unknown(scene: Scene) -> None:
    other = make_event()
    make_call(other)
    grant(scene.organizer, other)
    client = scene.client(scene.organizer)
    for rest in ("manage/pitches/", "pitches/"):
        assert client.get(f"/events/{other.slug}/{rest}{scene.pitch.code}").status_code == 404
    client = scene.client(scene.founder)
    assert client.get(f"/events/{other.slug}/pitches/{scene.pitch.code}/deck").status_code == 404


# --- Reviewing -------------------------------------------------------------------------------------
def test_a_vote_and_what_it_opens(scene: Scene) -> None:
    make_review(scene.pitch, scene.second, 5, 5, comment="I know them from Nagoya")
    client = scene.client(scene.reviewer)
    path = scene.path(f"/{scene.pitch.code}/review")
    before = client.get(path).get_data(as_text=True)
    assert "I know them from Nagoya" not in before
    refused = client.post(path, data=scene.votes(4, comment="half done"))
    assert refused.status_code == 422
    assert "half done" in refused.get_data(as_text=True)
    assert client.post(path, data=scene.votes(6, 1)).status_code == 422
    assert client.post(path, data=scene.votes(4, 0, comment="Good", action="stay")).location == path
    after = client.get(path).get_data(as_text=True)
    assert "I know them from Nagoya" in after
    queue = client.get(scene.path("/review")).get_data(as_text=True)
    assert "1 / 1" in queue
    assert ">60<" in queue.replace("\n", "").replace(" ", "")  # (3*4/5 + 1*0/5) / 4
    client.post(path, data=scene.votes(5, 5, comment="Better"))
    assert len(fresh(PitchReview)) == 2
    assert sorted(row.score for row in fresh(ReviewScore)) == [5, 5, 5, 5]


def test_a_conflict_shuts_the_eyes(scene: Scene) -> None:
    make_review(scene.pitch, scene.second, 5, 5, comment="Splendid")
    client = scene.client(scene.reviewer)
    path = scene.path(f"/{scene.pitch.code}/review")
    client.post(path, data=scene.votes(1, 1))
    assert client.post(f"{path}/conflict", data={"comment": "I fund them"}).status_code == 303
    page = client.get(path).get_data(as_text=True)
    assert "A Doppler lidar" not in page
    assert "Splendid" not in page
    assert client.get(scene.path(f"/{scene.pitch.code}/deck")).status_code == 404
    assert len(fresh(ReviewScore)) == 2  # the vote is gone
    assert client.post(f"{path}/no-conflict").status_code == 303
    assert "A Doppler lidar" in client.get(path).get_data(as_text=True)


def test_an_organizer_in_conflict_does_not_decide(scene: Scene) -> None:
    make_review(scene.pitch, scene.second, 5, 5, comment="Splendid")
    make_member(scene.organizer, scene.startup, role=MemberRole.MEMBER)
    client = scene.client(scene.organizer)
    page = client.get(scene.manage(f"/{scene.pitch.code}")).get_data(as_text=True)
    assert "Splendid" not in page
    listed = client.get(scene.manage()).get_data(as_text=True)
    assert ">100<" not in listed
    answer = client.post(scene.manage(f"/{scene.pitch.code}/decide"), data=scene.decision(S.ACCEPTED))
    assert answer.status_code == 403
    bulk = {**scene.decision(S.ACCEPTED), "chosen": [f"{scene.pitch.id}:{scene.pitch.version}"]}
    assert client.post(scene.manage("/decide"), data=bulk).status_code == 403


@pytest.mark.every_database
def test_one_vote_however_many_tabs(scene: Scene) -> None:
    ids = scene.event.id, scene.pitch.id
    criteria = [criterion.id for criterion in scene.call.criteria]

    def vote(user_id: int, score: int) -> Callable[[], int]:
        def act() -> int:
            with transaction():
                return save_review(
                    actor=db.session.get_one(User, user_id),
                    event=db.session.get_one(Event, ids[0]),
                    submission=db.session.get_one(PitchSubmission, ids[1]),
                    scores=dict.fromkeys(criteria, score),
                    comment=str(score),
                    now=NOW,
                ).id

        return act

    people = [scene.reviewer.id] * 3 + [scene.second.id] * 2
    results = together(scene.app, *(vote(user_id, score) for score, user_id in enumerate(people, 1)))
    assert all(isinstance(result, int) for result in results), results
    reviews = fresh(PitchReview)
    assert len(reviews) == 2
    assert len(fresh(ReviewScore)) == 4
    for review in reviews:
        assert {str(row.score) for row in review.scores} == {review.comment}


# --- Deciding --------------------------------------------------------------------------------------
def test_accepting_places_the_pitch_and_tells_the_start_up(scene: Scene) -> None:
    block = make_block(scene.event)
    client = scene.client(scene.organizer)
    path = scene.manage(f"/{scene.pitch.code}/decide")
    fields = scene.decision(S.ACCEPTED, block=block.code, note="Bring a prototype", idempotency_key="a")
    assert client.post(path, data=fields).status_code == 303
    assert client.post(path, data=fields).status_code == 303  # replayed
    db.session.rollback()
    item = scene.pitch.agenda_item
    assert item is not None
    assert (item.kind, item.parent_id, item.starts_at) == (ItemKind.PITCH, block.id, block.starts_at)
    assert item.speakers[0].speaker.user_id == scene.founder.id
    (mail,) = mails("accepted")
    assert (mail.to_address, mail.locale) == (scene.founder.email, "ja")
    assert "Bring a prototype" in mail.body
    assert "10:00 東京 (JST)" in mail.body
    assert "20:00 ワシントン/ニューヨーク (EST)" in mail.body
    with transaction():
        publish_agenda(actor=None, event=scene.event, now=NOW)
    assert "Wind from far away" in scene.client(None).get(scene.path()).get_data(as_text=True)
    assert item.code in scene.client(scene.founder).get(scene.path(f"/{scene.pitch.code}")).get_data(True)
    # declined after all: called off in the agenda, the place is free
    assert client.post(path, data=scene.decision(S.DECLINED, note="Sorry")).status_code == 303
    db.session.rollback()
    assert scene.pitch.agenda_item_id is None
    assert item.status == ItemStatus.CANCELLED
    assert "Sorry" in mails("declined")[0].body


def test_a_place_can_follow(scene: Scene) -> None:
    client = scene.client(scene.organizer)
    client.post(scene.manage(f"/{scene.pitch.code}/decide"), data=scene.decision(S.ACCEPTED))
    db.session.rollback()
    assert scene.pitch.agenda_item_id is None
    block = make_block(scene.event)
    path = scene.manage(f"/{scene.pitch.code}/place")
    assert client.post(path, data={"block": block.code, "version": 1}).status_code == 409
    fields = {"block": block.code, "version": scene.decision(S.ACCEPTED)["version"]}
    assert client.post(path, data=fields).status_code == 303
    db.session.rollback()
    assert scene.pitch.agenda_item is not None
    assert len(mails("accepted")) == 2


def test_every_step_follows_the_table(scene: Scene) -> None:
    client = scene.client(scene.organizer)
    for state in S:
        for to in (S.ACCEPTED, S.RESERVE, S.DECLINED):
            organization = make_organization()
            pitch = make_pitch(scene.call, organization, state=state, submitted_at=NOW)
            answer = client.post(
                scene.manage(f"/{pitch.code}/decide"), data={"decision": to.value, "version": pitch.version}
            )
            allowed = to in SUBMISSION_TRANSITIONS[state]
            assert answer.status_code == (303 if allowed else 409), (state, to)
            db.session.rollback()
            assert pitch.state == (to if allowed else state)


def test_a_stale_decision_loses(scene: Scene) -> None:
    client = scene.client(scene.organizer)
    path = scene.manage(f"/{scene.pitch.code}/decide")
    stale = scene.decision(S.DECLINED, note="my words")
    client.post(path, data=scene.decision(S.RESERVE))
    answer = client.post(path, data=stale)
    assert answer.status_code == 409
    assert "my words" in answer.get_data(as_text=True)
    db.session.rollback()
    assert scene.pitch.state == S.RESERVE


@pytest.mark.every_database
def test_accepted_twice_at_once_is_placed_once(scene: Scene) -> None:
    block = make_block(scene.event)
    ids = scene.event.id, scene.pitch.id, block.id, scene.organizer.id

    def accept() -> int:
        with transaction():
            submission = db.session.get_one(PitchSubmission, ids[1])
            decide(
                actor=db.session.get_one(User, ids[3]),
                event=db.session.get_one(Event, ids[0]),
                submission=submission,
                decision=S.ACCEPTED,
                block=db.session.get_one(AgendaItem, ids[2]),
                version=1,
                now=NOW,
            )
            return submission.id

    results = together(scene.app, accept, accept, accept)
    assert sum(isinstance(result, int) for result in results) == 1, results
    assert sum(isinstance(result, Conflict) for result in results) == 2, results
    placed = [item for item in fresh(AgendaItem) if item.kind == ItemKind.PITCH]
    assert len(placed) == 1
    assert len(mails("accepted")) == 1


def test_many_at_once_all_or_none(scene: Scene) -> None:
    block = make_block(scene.event, ends_at=datetime(2026, 11, 30, 1, 25, tzinfo=UTC))
    pitches = [make_pitch(scene.call, make_organization(), make_user()) for _ in range(3)]
    client = scene.client(scene.organizer)
    chosen = [f"{pitch.id}:{pitch.version}" for pitch in pitches]
    fields = {"decision": "accepted", "block": block.code}
    assert client.post(scene.manage("/decide"), data=fields).status_code == 422
    stale = [*chosen[:2], f"{pitches[2].id}:9"]
    answer = client.post(scene.manage("/decide"), data={**fields, "chosen": stale, "note": "kept words"})
    assert answer.status_code == 409
    assert "kept words" in answer.get_data(as_text=True)
    db.session.rollback()
    assert {pitch.state for pitch in pitches} == {S.SUBMITTED}
    for wrong in ("x", "1", "1:2:3", "999999:1", "-1:1"):
        status = client.post(scene.manage("/decide"), data={**fields, "chosen": [wrong]}).status_code
        assert status in (404, 422)
    answer = client.post(scene.manage("/decide"), data={**fields, "chosen": chosen}, follow_redirects=True)
    assert "3 pitches decided" in answer.get_data(as_text=True)
    assert "1 of them has no time" in answer.get_data(as_text=True)  # 25 minutes hold two
    db.session.rollback()
    assert {pitch.state for pitch in pitches} == {S.ACCEPTED}


def test_presenters_are_recognized(scene: Scene) -> None:
    for name in ("hanako  kaze", "風 花子"):
        with transaction():
            scene.pitch.presenter = name
        (speaker,) = presenters(scene.pitch)
        assert speaker.user_id == scene.founder.id
    with transaction():
        scene.pitch.presenter = "山田太郎"
    (speaker,) = presenters(scene.pitch)
    assert (speaker.name_native, speaker.name_latin, speaker.user_id) == ("山田太郎", "", None)


# --- The call --------------------------------------------------------------------------------------
def test_a_call_is_opened_and_changed(scene: Scene) -> None:
    event = make_event()
    grant(scene.organizer, event)
    client = scene.client(scene.organizer)
    path = f"/events/{event.slug}/manage/pitches"
    assert "No call for pitches yet" in client.get(path).get_data(as_text=True)
    fields = {
        "version": "",
        "opens_at": "2026-10-02T09:00",
        "closes_at": "2026-10-01T09:00",
        "minutes": 8,
        "text_en": "Come",
    }
    refused = client.post(f"{path}/call", data=fields)
    assert refused.status_code == 422
    assert "Come" in refused.get_data(as_text=True)
    fields["closes_at"] = "2026-11-01T18:00"
    assert client.post(f"{path}/call", data=fields).status_code == 303
    call = next(call for call in fresh(PitchCall) if call.event_id == event.id)
    assert call.closes_at == datetime(2026, 11, 1, 9, tzinfo=UTC)  # 18:00 in Tokyo
    assert len(call.criteria) == 3
    assert client.post(f"{path}/call", data=fields).status_code == 409  # opened meanwhile
    page = client.get(f"{path}/call").get_data(as_text=True)
    assert 'value="2026-11-01T18:00"' in page
    assert client.post(f"{path}/call", data={**fields, "version": 1, "text_en": "Go"}).status_code == 303
    assert client.post(f"{path}/call", data={**fields, "version": 1}).status_code == 409


def test_a_criterion_in_use_stays(scene: Scene) -> None:
    client = scene.client(scene.organizer)
    used, unused = scene.call.criteria
    with transaction():
        review = PitchReview(
            submission_id=scene.pitch.id, reviewer_id=scene.second.id, created_at=NOW, changed_at=NOW
        )
        review.scores = [ReviewScore(criterion_id=used.id, score=5)]
        db.session.add(review)
    used_id, unused_id = used.id, unused.id
    assert client.post(scene.manage(f"/criteria/{used_id}/remove")).status_code == 409
    fields = {"name_en": "Need", "weight": 2, "best_score": 4}
    assert client.post(scene.manage(f"/criteria/{used_id}"), data=fields).status_code == 422
    assert (
        client.post(scene.manage(f"/criteria/{used_id}"), data={**fields, "best_score": 5}).status_code == 303
    )
    assert client.post(scene.manage(f"/criteria/{unused_id}/remove")).status_code == 303
    assert client.get(scene.manage(f"/criteria/{unused_id}")).status_code == 404
    assert client.post(scene.manage("/criteria"), data={**fields, "name_en": "New"}).status_code == 303
    assert client.post(scene.manage("/criteria"), data={**fields, "weight": 11}).status_code == 422
    assert {row.name_en for row in fresh(Criterion)} == {"Need", "New"}


# --- Lists -----------------------------------------------------------------------------------------
def test_scores_are_weighed_and_sorted(scene: Scene) -> None:
    make_review(scene.pitch, scene.reviewer, 5, 0)  # 75
    make_review(scene.pitch, scene.second, 4, 4)  # 80
    best = make_pitch(scene.call, make_organization(name_en="Best Inc."), title_en="The best")
    make_review(best, scene.reviewer, 5, 5)
    make_review(best, scene.second, conflict=True)
    unrated = make_pitch(scene.call, make_organization(), title_en="Unrated")
    client = scene.client(scene.organizer)
    page = client.get(scene.manage()).get_data(as_text=True)
    rows = [page.index(code) for code in (best.code, scene.pitch.code, unrated.code)]
    assert rows == sorted(rows)
    assert ">78<" in page
    assert ">5<" in page  # the spread
    assert unrated.code not in client.get(scene.manage("?q=best")).get_data(as_text=True)
    assert best.code in client.get(scene.manage("?q=best+inc")).get_data(as_text=True)
    assert best.code not in client.get(scene.manage("?state=accepted")).get_data(as_text=True)
    for sort in ("score", "-spread", "votes", "title", "-organization", "submitted_at", "'; drop"):
        assert client.get(scene.manage(), query_string={"sort": sort}).status_code == 200


@pytest.mark.parametrize("who", ["organizer", "reviewer", "founder"])
def test_lists_cost_the_same(scene: Scene, who: str) -> None:
    client = scene.client(getattr(scene, who))
    path = {"organizer": scene.manage(), "reviewer": scene.path("/review"), "founder": scene.path()}[who]

    def cost() -> int:
        db.session.rollback()
        with count_queries() as statements:
            assert client.get(path, query_string={"size": 100}).status_code == 200
        return len(statements)

    def add(count: int) -> None:
        block = make_block(scene.event)
        for number in range(count):
            organization = make_organization()
            start = block.starts_at + timedelta(minutes=number) if block.starts_at else NOW
            item = AgendaItem(
                event_id=scene.event.id,
                uid=f"{organization.slug}@x",
                kind=ItemKind.PITCH,
                title_en="x",
                starts_at=start,
                ends_at=start + timedelta(minutes=1),
                created_at=NOW,
                changed_at=NOW,
            )
            with transaction():
                db.session.add(item)
            pitch = make_pitch(scene.call, organization, areas=list(scene.call.areas))
            make_review(pitch, scene.second, 3, 3)
            accepted = make_pitch(
                scene.call,
                make_organization(),
                state=S.ACCEPTED,
                agenda_item_id=item.id,
                areas=list(scene.call.areas),
            )
            make_review(accepted, scene.second, 3, 3)
        with transaction():
            publish_agenda(actor=None, event=scene.event, now=NOW)

    add(2)
    cost()
    few = cost()
    add(30)
    cost()
    assert cost() == few
    assert few <= LIMIT_PER_PAGE


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_pages_in_both_languages(scene: Scene, lang: str) -> None:
    make_review(scene.pitch, scene.second, 5, 5)
    organizer = scene.client(scene.organizer)
    titles = set()
    for path in (
        scene.path(),
        scene.path("/review"),
        scene.path(f"/{scene.pitch.code}/review"),
        scene.manage(),
        scene.manage(f"/{scene.pitch.code}"),
        scene.manage("/call"),
        f"/events/{scene.event.slug}/manage/",
    ):
        answer = organizer.get(path, query_string={"lang": lang})
        assert answer.status_code == 200
        page = answer.get_data(as_text=True)
        assert f'<html lang="{lang}">' in page
        titles.add("ピッチ" in page)
    assert titles == {lang == "ja"}


def test_the_number_of_mails_matches_the_decisions(scene: Scene) -> None:
    client = scene.client(scene.organizer)
    for to in (S.RESERVE, S.DECLINED, S.ACCEPTED):
        client.post(scene.manage(f"/{scene.pitch.code}/decide"), data=scene.decision(to))
    kinds = [mail.kind for mail in fresh(OutboxMail)]
    assert sorted(kinds) == ["pitches/accepted", "pitches/declined", "pitches/reserve"]
    assert db.session.scalar(select(func.count()).select_from(OutboxMail)) == 3
