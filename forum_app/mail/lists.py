"""Optional mail: lists that a reader may leave. Features add theirs when they are imported."""

from collections.abc import Iterator

from forum_app.web.texts import gettext


class Lists:
    """Names of lists and what they are called (English, marked with N_)."""

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}

    def add(self, name: str, label: str) -> str:
        """Add a list; returns its name."""
        self._labels[name] = label
        return name

    def __contains__(self, name: object) -> bool:
        return name in self._labels

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels)

    def label(self, name: str) -> str:
        """What a list is called, in the language in force."""
        return gettext(self._labels[name])


optional_lists = Lists()
