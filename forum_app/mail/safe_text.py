"""Text that may stand in a mail: whatever a name or a title holds, it stays in its place."""

# controls end or reorder a header; marks and invisible joiners disguise what stands in it
_NEVER = [
    *range(0x20),
    *range(0x7F, 0xA0),
    *(0x061C, 0x200B, 0x200E, 0x200F, 0xFEFF),
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),
]
FORBIDDEN = dict.fromkeys(_NEVER)
_IN_TEXT = {code: None for code in _NEVER if code not in (0x09, 0x0A, 0x2028, 0x2029)} | {
    0x2028: "\n",
    0x2029: "\n",
}
MOST_SUBJECT = 400
MOST_NAME = 200
MOST_TEXT = 200_000


def header_text(text: str) -> str:
    """text as one line without control, bidirectional or invisible characters."""
    return " ".join(" ".join(text.split()).translate(FORBIDDEN).split())


def body_text(text: str) -> str:
    """text of several lines without what reorders or hides, at most MOST_TEXT characters.

    A line of a script that is written from the right stays by itself: direction ends with its line.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n")
    return cut(lines.translate(_IN_TEXT), MOST_TEXT)


def cut(text: str, most: int) -> str:
    """At most so many characters; what was longer ends in an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
