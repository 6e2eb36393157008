"""The trail in the browser, for administrators; nobody can change it."""

from flask import render_template

from forum_app.audit import blueprint
from forum_app.audit.queries import SORTS, list_entries
from forum_app.core.text import N_
from forum_app.web.access import administrator
from forum_app.web.navigation import site_navigation
from forum_app.web.tables import TableState

site_navigation.add(
    "audit.index",
    N_("Audit trail"),
    order=910,
    visible=lambda user, event: user.is_authenticated and user.is_admin,
)


@blueprint.get("/admin/audit")
@administrator
def index() -> str:
    """Who did what to what, newest first."""
    state = TableState.from_request(sorts=["-at", *(key for key in SORTS if key != "at")])
    return render_template("audit/index.html", page=list_entries(state))
