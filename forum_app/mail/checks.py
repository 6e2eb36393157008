"""Facts that must still be so when a mail is sent. Features add theirs when they are imported."""

from collections.abc import Callable, Mapping
from typing import Any

# kind of mail -> whether its facts are still so; asked in a transaction just before each attempt
still_so: dict[str, Callable[[Mapping[str, Any]], bool]] = {}
