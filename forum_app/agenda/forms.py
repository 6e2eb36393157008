"""Forms of the agenda."""

from forum_app.web.forms import ActionForm


class BookmarkForm(ActionForm):
    """Put into, or take out of, one's own programme: a button."""
