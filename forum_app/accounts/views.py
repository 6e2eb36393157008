"""Signing up, in and out, and new passwords. Nothing tells whether an address has an account."""

import secrets
from datetime import datetime

from flask import flash, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.accounts import blueprint, services
from forum_app.accounts.attempts import TooManyAttempts, client_key
from forum_app.accounts.forms import (
    ConfirmElsewhereForm,
    ConfirmForm,
    ForgotForm,
    ResetForm,
    SignInForm,
    SignUpForm,
)
from forum_app.accounts.links import digest
from forum_app.accounts.passwords import LEAST, hash_password
from forum_app.accounts.sign_in import end_session, start_session
from forum_app.core.errors import Invalid, NotFound
from forum_app.core.text import N_
from forum_app.db import transaction
from forum_app.web import clock
from forum_app.web.access import public, safe_next
from forum_app.web.forms import ActionForm, BaseForm
from forum_app.web.languages import language
from forum_app.web.limits import limiter
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

BROWSER = "sign_up"
MAILED_TO = "mailed_to"
POSTS = "30/minute;200/hour"
HOME_ZONES = {"ja": "Asia/Tokyo", "en": "America/New_York"}
Answer = str | tuple[str, int] | Response


def client() -> str:
    """Whose attempts these are."""
    return client_key(request.remote_addr)


def locked(template: str, form: BaseForm, error: TooManyAttempts, **context: object) -> Response:
    """The form again (429), with when to come back; the same for known and unknown addresses."""
    response = make_response(render_template(template, form=form, locked=True, **context), 429)
    response.headers["Retry-After"] = str(max(1, int((error.until - clock.now()).total_seconds())))
    return response


def landing(target: str | None) -> str:
    """Where to go after signing in: where they came from, else the start page."""
    return safe_next(target) or url_for("events.home")


def _browser_secret() -> str:
    """A secret that stays in this browser, by which a mailed link finds it again."""
    if BROWSER not in session:
        session[BROWSER] = secrets.token_urlsafe(16)
    return str(session[BROWSER])


# --- Sign-up -------------------------------------------------------------------------------------


@blueprint.route("/sign-up", methods=["GET", "POST"])
@public
@limiter.limit(POSTS, methods=["POST"])
def sign_up() -> Answer:
    if current_user.is_authenticated:
        return redirect(landing(request.args.get("next")))
    form = SignUpForm(
        next=safe_next(request.args.get("next")) or "",
        locale=language(),
        timezone=HOME_ZONES[language()],
    )
    if form.validate_on_submit():
        person = services.Person(
            name_latin=form.name_latin.data or "",
            name_native=form.name_native.data or "",
            name_kana=form.name_kana.data or "",
            locale=form.locale.data,
            timezone=form.timezone.data,
        )
        password_hash = hash_password(form.password.data)
        try:
            with form.catching():
                with submission() as done:
                    services.sign_up(
                        email=form.email.data,
                        password_hash=password_hash,
                        person=person,
                        next_path=(safe_next(form.next.data) or "")[:500] or None,
                        browser_hash=digest(_browser_secret()),
                        client=client(),
                        now=clock.now(),
                    )
                    session[MAILED_TO] = form.email.data
                    done.redirect(url_for("accounts.mail_sent"))
                return done.response
        except TooManyAttempts as error:
            return locked("accounts/sign_up.html", form, error, least=LEAST)
    return render_template("accounts/sign_up.html", form=form, least=LEAST), form.status


@blueprint.get("/sign-up/sent")
@public
def mail_sent() -> Answer:
    """The same page whatever the mail says."""
    email = session.get(MAILED_TO)
    return (
        render_template("accounts/mail_sent.html", email=email)
        if email
        else redirect(url_for("accounts.sign_up"))
    )


@blueprint.route("/sign-up/confirm/<token>", methods=["GET", "POST"])
@public
@limiter.limit(POSTS, methods=["POST"])
def confirm(token: str) -> Answer:
    now = clock.now()
    try:
        elsewhere = services.needs_password_to_confirm(
            token=token, browser_secret=session.get(BROWSER), now=now
        )
    except NotFound:
        return dead_link(url_for("accounts.sign_up"))
    form = ConfirmElsewhereForm() if elsewhere else ConfirmForm()
    if form.validate_on_submit():
        if elsewhere and not services.right_sign_up_password(
            token=token, password=form.password.data, now=now
        ):
            form.refuse(Invalid(N_("This is not the password of that sign-up."), field="password"))
        else:
            with submission() as done:
                user, target = services.confirm_sign_up(token=token, now=now)
                start_session(user, now)
                done.redirect(landing(target), flash=gettext("Welcome. Your address is confirmed."))
            return done.response
    return render_template("accounts/confirm.html", form=form, elsewhere=elsewhere), form.status


def dead_link(again: str) -> Answer:
    """What to do about a link that is used up (404); who is signed in already just goes on."""
    if current_user.is_authenticated:
        return redirect(landing(None))
    return render_template("accounts/dead_link.html", again=again), 404


# --- Sign-in and sign-out ------------------------------------------------------------------------


@blueprint.route("/sign-in", methods=["GET", "POST"])
@public
@limiter.limit(POSTS, methods=["POST"])
def sign_in() -> Answer:
    if current_user.is_authenticated:
        return redirect(landing(request.args.get("next")))
    form = SignInForm(next=safe_next(request.args.get("next")) or "")
    if form.validate_on_submit():
        try:
            if _sign_in(form, clock.now()):
                return redirect(landing(form.next.data), 303)
        except TooManyAttempts as error:
            return locked("accounts/sign_in.html", form, error, target=safe_next(form.next.data))
        form.refuse(
            Invalid(
                N_(
                    "The address and the password do not match, or the address is not confirmed yet. "
                    "If it has yet to be confirmed, a new link is in your mail."
                )
            )
        )
    return render_template("accounts/sign_in.html", form=form, target=safe_next(form.next.data)), form.status


def _sign_in(form: SignInForm, now: datetime) -> bool:
    # two short transactions: comparing takes longer than others should wait
    with transaction():
        services.admit_sign_in(email=form.email.data, client=client(), now=now)
    checked = services.check_credentials(email=form.email.data, password=form.password.data)
    browser_hash = digest(_browser_secret())
    with transaction():
        user = services.admit_user(
            checked=checked,
            client=client(),
            next_path=safe_next(form.next.data),
            browser_hash=browser_hash,
            now=now,
        )
        if user is not None:
            start_session(user, now)
    return user is not None


@blueprint.route("/sign-out", methods=["GET", "POST"])
@public
def sign_out() -> Answer:
    """A link cannot sign anybody out: GET only asks."""
    form = ActionForm()
    if request.method == "GET":
        if not current_user.is_authenticated:
            return redirect(url_for("events.home"))
        return render_template("accounts/sign_out.html", form=form)
    with transaction():
        end_session(clock.now())
    flash(gettext("You are signed out."), "success")
    return redirect(url_for("events.home"), 303)


# --- Forgotten passwords -------------------------------------------------------------------------


@blueprint.route("/forgot-password", methods=["GET", "POST"])
@public
@limiter.limit(POSTS, methods=["POST"])
def forgot() -> Answer:
    form = ForgotForm()
    if form.validate_on_submit():
        try:
            with submission() as done:
                services.request_reset(
                    email=form.email.data, client=client(), locale=language(), now=clock.now()
                )
                session[MAILED_TO] = form.email.data
                done.redirect(url_for("accounts.mail_sent"))
        except TooManyAttempts as error:
            return locked("accounts/forgot.html", form, error)
        return done.response
    return render_template("accounts/forgot.html", form=form), form.status


@blueprint.route("/reset-password/<token>", methods=["GET", "POST"])
@public
@limiter.limit(POSTS, methods=["POST"])
def reset(token: str) -> Answer:
    now = clock.now()
    form = ResetForm()
    try:
        form.own_words = services.own_words_of_reset(token=token, now=now)
    except NotFound:
        return dead_link(url_for("accounts.forgot"))
    if form.validate_on_submit():
        password_hash = hash_password(form.password.data)
        with submission() as done:
            user = services.reset_password(token=token, password_hash=password_hash, now=now)
            start_session(user, now)
            done.redirect(
                url_for("events.home"),
                flash=gettext("Your new password is set. All other devices are signed out."),
            )
        return done.response
    return render_template(
        "accounts/reset.html", form=form, email=form.own_words[0], least=LEAST
    ), form.status
