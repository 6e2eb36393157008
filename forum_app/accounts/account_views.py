"""One's own account: names, language and zone, address, password, devices."""

from flask import render_template, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.accounts import account_services, blueprint, services, sessions
from forum_app.accounts.attempts import TooManyAttempts
from forum_app.accounts.devices import device_name
from forum_app.accounts.forms import EmailForm, PasswordForm, PersonFields
from forum_app.accounts.passwords import LEAST, hash_password, verify_password
from forum_app.accounts.queries import list_open_sessions
from forum_app.accounts.sign_in import LANGUAGE, current_session_hash
from forum_app.accounts.views import Answer, client, dead_link, locked
from forum_app.core.errors import Invalid, NotFound
from forum_app.core.text import N_
from forum_app.db import transaction
from forum_app.web import clock
from forum_app.web.access import public, signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.limits import limiter
from forum_app.web.navigation import account_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext, ngettext

POSTS = "30/minute;200/hour"
WRONG = N_("This is not your current password.")

account_navigation.add("accounts.account", N_("Account"), order=10)


@blueprint.route("/account", methods=["GET", "POST"])
@signed_in
def account() -> Answer:
    form = PersonFields(obj=current_user)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                account_services.update_profile(
                    actor=current_user,
                    person=services.Person(
                        name_latin=form.name_latin.data or "",
                        name_native=form.name_native.data or "",
                        name_kana=form.name_kana.data or "",
                        locale=form.locale.data,
                        timezone=form.timezone.data,
                    ),
                    now=clock.now(),
                )
                session.pop(LANGUAGE, None)  # from now on the account's language counts
                done.redirect(url_for("accounts.account"), flash=gettext("Saved."))
            return done.response
    return render_template("accounts/account.html", form=form), form.status


@blueprint.route("/account/password", methods=["GET", "POST"])
@signed_in
@limiter.limit(POSTS, methods=["POST"])
def password() -> Answer:
    form = PasswordForm()
    form.own_words = services.own_words(current_user)
    if form.validate_on_submit():
        try:
            right = _is_current_password(form.current.data)
        except TooManyAttempts as error:
            return locked("accounts/password.html", form, error, least=LEAST)
        if right:
            password_hash = hash_password(form.password.data)
            with submission() as done:
                account_services.change_password(
                    actor=current_user,
                    password_hash=password_hash,
                    keep_session=current_session_hash(),
                    now=clock.now(),
                )
                done.redirect(
                    url_for("accounts.password"),
                    flash=gettext("Your new password is set. All other devices are signed out."),
                )
            return done.response
        form.refuse(Invalid(WRONG, field="current"))
    return render_template("accounts/password.html", form=form, least=LEAST), form.status


def _is_current_password(typed: str) -> bool:
    """Compare, slowed like sign-in: a borrowed browser is no place to guess."""
    with transaction():
        services.admit_sign_in(email=current_user.email, client=client(), now=clock.now())
    right = verify_password(current_user.password_hash, typed)
    if right:
        with transaction():
            services.forgive_sign_in(user=current_user, client=client(), now=clock.now())
    return right


@blueprint.route("/account/email", methods=["GET", "POST"])
@signed_in
@limiter.limit(POSTS, methods=["POST"])
def email() -> Answer:
    form = EmailForm()
    if form.validate_on_submit():
        try:
            if _is_current_password(form.current.data):
                with form.catching():
                    with submission() as done:
                        account_services.request_email_change(
                            actor=current_user, email=form.email.data, client=client(), now=clock.now()
                        )
                        done.redirect(
                            url_for("accounts.email"),
                            flash=gettext(
                                "A mail is on its way to %(email)s. The link in it makes the change."
                            )
                            % {"email": form.email.data},
                        )
                    return done.response
            else:
                form.refuse(Invalid(WRONG, field="current"))
        except TooManyAttempts as error:
            return locked("accounts/email.html", form, error)
    return render_template("accounts/email.html", form=form), form.status


@blueprint.route("/account/email/confirm/<token>", methods=["GET", "POST"])
@public
@limiter.limit(POSTS, methods=["POST"])
def confirm_email(token: str) -> Answer:
    form = ActionForm()
    now = clock.now()
    try:
        address = account_services.new_address(token=token, now=now)
        if form.validate_on_submit():
            with submission() as done:
                account_services.confirm_email_change(token=token, now=now)
                done.redirect(
                    url_for("accounts.email" if current_user.is_authenticated else "accounts.sign_in"),
                    flash=gettext("Your account has moved to the new address."),
                )
            return done.response
    except NotFound:
        return dead_link(url_for("accounts.account"))
    return render_template("accounts/confirm_email.html", form=form, address=address), form.status


@blueprint.get("/account/sessions")
@signed_in
def session_list() -> str:
    rows = list_open_sessions(current_user, clock.now())
    here = current_session_hash()
    return render_template(
        "accounts/sessions.html",
        sessions=[(row, device_name(row.user_agent), row.token_hash == here) for row in rows],
        form=ActionForm(),
    )


@blueprint.post("/account/sessions/<int:session_id>/end")
@signed_in
def end_session(session_id: int) -> Response | tuple[str, int]:
    form = ActionForm()
    if not form.validate_on_submit():
        return session_list(), 422
    with submission() as done:
        sessions.end_own_session(actor=current_user, session_id=session_id, now=clock.now())
        done.redirect(url_for("accounts.session_list"), flash=gettext("That device is signed out."))
    return done.response


@blueprint.post("/account/sessions/end-others")
@signed_in
def end_other_sessions() -> Response | tuple[str, int]:
    form = ActionForm()
    if not form.validate_on_submit():
        return session_list(), 422
    with submission() as done:
        ended = sessions.end_other_sessions(actor=current_user, keep=current_session_hash(), now=clock.now())
        done.redirect(
            url_for("accounts.session_list"),
            flash=ngettext("%(num)d device is signed out.", "%(num)d devices are signed out.", ended),
        )
    return done.response
