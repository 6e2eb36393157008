"""Uploads in a bucket, tried against a real S3 that checks signatures."""

import logging
import os
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import obstore
import pytest
from flask import Flask
from flask.testing import FlaskClient
from obstore.store import S3Store
from sqlalchemy import func, select

from forum_app.config import ConfigError, load_settings
from forum_app.core.errors import NotFound, Unavailable
from forum_app.db import db, transaction
from forum_app.pitches.models import PitchSubmission
from forum_app.web import clock
from forum_app.web.bucket import BucketStorage
from forum_app.web.storage import Storage
from forum_app.web.stored_files import GRACE, remove_unused
from tests.factories import make_event, make_member, make_organization, make_user, sign_in
from tests.parts import BucketServer, bucket_server, free_port
from tests.pitches.parts import make_call, make_pitch, pdf

DAY = timedelta(days=1)
PREFIX = "uploads/of-tests"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketServer]:
    with bucket_server(tmp_path_factory.mktemp("bucket")) as running:
        yield running


@pytest.fixture
def environ(server: BucketServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    return server.environ


@pytest.fixture
def raw(server: BucketServer, environ: dict[str, str]) -> S3Store:
    """The whole bucket, as an operator sees it; empty."""
    store = S3Store(server.bucket, client_options={"allow_http": True})
    for path in keys(store):
        store.delete(path)
    return store


@pytest.fixture
def storage(server: BucketServer, raw: S3Store) -> BucketStorage:
    return BucketStorage(f"{server.bucket}/{PREFIX}")


@pytest.fixture
def bucket_app(app: Flask, storage: BucketStorage, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setitem(app.extensions, "forum_storage", storage)
    return app


def keys(store: S3Store) -> list[str]:
    return sorted(entry["path"] for batch in obstore.list(store) for entry in batch)


def put(raw: S3Store, name: str, saved: datetime, content: bytes) -> None:
    """What a save on an earlier day left."""
    raw.put(f"{PREFIX}/{name}/{saved:%Y-%m-%d}", content)


def test_kept_under_a_name_of_our_own_and_of_a_fixed_type(storage: BucketStorage, raw: S3Store) -> None:
    name = storage.save(b"%PDF-1.7 slides", "pdf")
    assert storage.save(b"%PDF-1.7 slides", "pdf") == name
    assert storage.load(name) == b"%PDF-1.7 slides"
    (key,) = keys(raw)
    assert re.fullmatch(rf"{PREFIX}/[0-9a-f]{{64}}\.pdf/\d{{4}}-\d\d-\d\d", key)
    assert raw.get(key).attributes["Content-Type"] == "application/pdf"
    storage.check()


def test_what_is_not_there_or_not_ours(storage: BucketStorage, raw: S3Store) -> None:
    raw.put("secret.pdf", b"of somebody else")
    raw.put(f"{PREFIX}/notes.txt/2020-01-01", b"not ours either")
    raw.put(f"{PREFIX}/{'b' * 64}.pdf/soon", b"nor this")
    for name in ("a" * 64 + ".pdf", "b" * 64 + ".pdf", "../../secret.pdf", "notes.txt", ""):
        with pytest.raises(NotFound):
            storage.load(name)
    assert list(storage.older_than(datetime.now(UTC) + DAY)) == []


def test_removing_never_meets_saving(storage: BucketStorage, raw: S3Store) -> None:
    now = datetime.now(UTC)
    before = now - GRACE

    def content(turn: int) -> bytes:
        return f"deck {turn}".encode()

    names = [storage.save(content(turn), "pdf") for turn in range(12)]
    for key in keys(raw):
        raw.delete(key)
    for turn, name in enumerate(names):
        put(raw, name, before - DAY, content(turn))
    assert sorted(storage.older_than(before)) == sorted(names)
    with ThreadPoolExecutor(8) as pool:
        for turn, name in enumerate(names):
            pool.submit(storage.remove, name, before)
            pool.submit(storage.save, content(turn), "pdf")
    assert [storage.load(name) for name in names] == [content(turn) for turn in range(12)]
    assert list(storage.older_than(before)) == []
    assert not any(storage.remove(name, before) for name in names)


def test_uploads_without_a_row_are_removed(bucket_app: Flask, storage: BucketStorage, raw: S3Store) -> None:
    now = clock.now()
    used, unused, fresh = (character * 64 + ".pdf" for character in "abc")
    for name, saved in ((used, now - 9 * DAY), (unused, now - 4 * DAY), (fresh, now - DAY)):
        put(raw, name, saved, b"slides")
    pitch = make_pitch(make_call(make_event()), make_organization())
    with transaction():
        pitch.deck_file = used
    assert remove_unused(storage, now) == 1
    assert [key.split("/")[-2][0] for key in keys(raw)] == ["a", "c"]
    assert not storage.remove(unused, now)


# --- Through the product -------------------------------------------------------------------------
class Form:
    """A founder before the form of a new pitch."""

    def __init__(self, app: Flask) -> None:
        event, startup, self.founder = make_event(), make_organization(), make_user()
        call = make_call(event)
        make_member(self.founder, startup)
        self.client: FlaskClient = sign_in(app.test_client(), self.founder)
        self.path = f"/events/{event.slug}/pitches"
        self.fields = {
            "organization_id": startup.id,
            "title_en": "Wind from far away",
            "abstract_en": "A lidar on a truck.",
            "stage": "prototype",
            "language": "en",
            "presenter": "Hanako Kaze",
            "area_ids": [call.areas[0].id],
            "action": "submit",
        }

    def send(self) -> Any:
        deck = (BytesIO(pdf(3)), "deck.pdf")
        return self.client.post(f"{self.path}/submit", data={**self.fields, "deck": deck})

    def sent(self) -> PitchSubmission:
        """The one pitch that was sent."""
        assert self.send().status_code == 303
        db.session.rollback()  # what was read before is a snapshot
        return db.session.scalars(select(PitchSubmission)).one()


def test_slides_there_and_back(bucket_app: Flask, raw: S3Store) -> None:
    form = Form(bucket_app)
    pitch = form.sent()
    assert keys(raw)[0].startswith(f"{PREFIX}/{pitch.deck_file}/")
    answer = form.client.get(f"{form.path}/{pitch.code}/deck")
    assert (answer.status_code, answer.data) == (200, pdf(3))


@pytest.mark.parametrize("trouble", ["key", "bucket", "endpoint"])
def test_a_store_that_fails(
    bucket_app: Flask,
    server: BucketServer,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: str,
) -> None:
    form = Form(bucket_app)
    pitch = form.sent()
    second = make_organization()  # each has one pitch
    make_member(form.founder, second)
    form.fields["organization_id"] = second.id
    broken: Storage = BucketStorage("no-such-bucket" if trouble == "bucket" else server.bucket)
    if trouble == "key":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-key-that-no-log-may-show")
    if trouble == "endpoint":
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setitem(bucket_app.extensions, "forum_storage", broken)

    caplog.set_level(logging.DEBUG)
    refused = form.send()
    assert refused.status_code == 422
    page = refused.get_data(as_text=True)
    assert "The file cannot be kept just now. Nothing was changed." in page
    assert "Wind from far away" in page
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(PitchSubmission)) == 1

    fetched = form.client.get(f"{form.path}/{pitch.code}/deck")
    # a bucket without the file cannot be told from one that is not there by everybody who speaks like S3
    assert fetched.status_code == 503
    ready = form.client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json is not None
    assert (ready.json["storage"], ready.json["database"]) == ("failed", "ok")

    lines = [record for record in caplog.records if record.name == "forum_app.web.bucket"]
    assert len(lines) == 3
    reason = {"key": "SignatureDoesNotMatch", "bucket": "NoSuchBucket", "endpoint": "no answer"}[trouble]
    for line in lines:
        assert reason in line.getMessage()
        assert "\n" not in line.getMessage()
        assert line.exc_info is None
    for secret in ("no-log-may-show", environ["AWS_ACCESS_KEY_ID"]):
        assert secret not in caplog.text


def test_a_store_that_says_nothing_is_given_up(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forum_app.web.bucket.CHECK", timedelta(seconds=0.3))
    with socket.create_server(("127.0.0.1", free_port())) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Unavailable):
            BucketStorage("forum").check()


def test_half_a_file_is_never_seen(
    storage: BucketStorage, server: BucketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # one that takes the head of a request and then goes
    with socket.create_server(("127.0.0.1", free_port())) as rude, ThreadPoolExecutor(1) as pool:

        def hang_up() -> None:
            for _ in range(3):
                rude.settimeout(5)
                connection, _address = rude.accept()
                connection.recv(4096)
                connection.close()

        pool.submit(hang_up)
        with monkeypatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{rude.getsockname()[1]}")
            with pytest.raises(Unavailable):
                BucketStorage(f"{server.bucket}/{PREFIX}").save(b"x" * 2_000_000, "pdf")
    assert list(storage.older_than(datetime.now(UTC) + DAY)) == []


# --- Settings ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("s3://bucket", "bucket"),
        ("s3://bucket/", "bucket"),
        ("s3://my.bucket-1/a/b_c", "my.bucket-1/a/b_c"),
        ("file:///srv/uploads", None),
        ("", None),
    ],
)
def test_addresses_of_buckets(url: str, place: str | None, tmp_path: Any) -> None:
    environ = {"FORUM_STORAGE_URL": url, "FORUM_VAR": str(tmp_path)}
    assert load_settings(environ).storage_bucket == place


@pytest.mark.parametrize(
    "url",
    ["s3:", "s3://", "s3:///a", "s3://key:secret@b", "s3://bucket/../a", "s3://bucket//a", "s3://bucket?x=1"],
)
def test_other_addresses_are_refused(url: str, tmp_path: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings({"FORUM_STORAGE_URL": url, "FORUM_VAR": str(tmp_path)})
    assert "secret" not in str(refused.value)


def test_without_the_package_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forum_app.web.bucket.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"^FORUM_STORAGE_URL: .* pip install 'forum-app\[s3\]'$"):
        BucketStorage("bucket")


def test_it_does_not_hang_after_a_fork(storage: BucketStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.check()
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(RuntimeError, match="fork"):
        storage.check()
