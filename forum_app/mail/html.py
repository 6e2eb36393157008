"""A mail's text as HTML, in one quiet layout: made from the text, so that the two say the same.

No images, nothing from elsewhere, no script; it reads well without its style.
"""

import re

from markupsafe import Markup, escape

ADDRESS = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}、。」』)]")
HEADING = re.compile(r"\d{1,3}\. \S.*")
SIGNATURE = "\n-- \n"
FONT = "font-family:-apple-system,'Segoe UI','Hiragino Sans','Noto Sans JP',Meiryo,sans-serif"
PAGE = f"margin:0;padding:24px 12px;{FONT};font-size:16px;line-height:1.7;overflow-wrap:anywhere"
COLUMN = "max-width:600px;margin:0 auto"
BRAND = "margin:0 0 20px;padding:0 0 10px;border-bottom:3px solid #005ea2;font-weight:bold"
PARAGRAPH = "margin:0 0 16px"
TITLE = "margin:28px 0 8px;font-size:17px;line-height:1.4"
LIST = "margin:0 0 16px;padding:0 0 0 22px"
ITEM = "margin:0 0 8px"
END = "margin:28px 0 0;padding:12px 0 0;border-top:1px solid #a9aeb1;font-size:14px"
LINK = "color:#005ea2"


def as_html(text: str, *, locale: str, title: str, brand: str) -> str:
    """The page that shows text: paragraphs, lists ("- "), numbered headings, addresses as links."""
    main, _, end = text.partition(SIGNATURE)
    parts = [_block(block) for block in main.strip().split("\n\n") if block.strip()]
    closing = Markup('<div style="{}">{}</div>').format(END, _lines(end.strip().split("\n"))) if end else ""
    return str(
        Markup(
            '<!DOCTYPE html>\n<html lang="{}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark"><title>{}</title></head>\n'
            '<body style="{}"><div style="{}">\n<p style="{}">{}</p>\n{}\n{}\n</div></body></html>\n'
        ).format(locale, title, PAGE, COLUMN, BRAND, brand, Markup("\n").join(parts), closing)
    )


def _block(block: str) -> Markup:
    lines = [line.rstrip() for line in block.strip("\n").split("\n")]
    if len(lines) == 1 and HEADING.fullmatch(lines[0]):
        return Markup('<h2 dir="auto" style="{}">{}</h2>').format(TITLE, lines[0])
    first = next((n for n, line in enumerate(lines) if line.startswith("- ")), None)
    if first is None:
        return _paragraph(lines)
    before = _paragraph(lines[:first]) if first else Markup("")
    items: list[list[str]] = []
    for line in lines[first:]:
        if line.startswith("- "):
            items.append([line[2:]])
        else:
            items[-1].append(line.strip())
    entries = Markup("").join(
        Markup('<li dir="auto" style="{}">{}</li>').format(ITEM, _lines(item)) for item in items
    )
    return before + Markup('<ul style="{}">{}</ul>').format(LIST, entries)


def _paragraph(lines: list[str]) -> Markup:
    return Markup('<p dir="auto" style="{}">{}</p>').format(PARAGRAPH, _lines(lines))


def _lines(lines: list[str]) -> Markup:
    return Markup("<br>\n").join(_linked(line) for line in lines)


def _linked(line: str) -> Markup:
    parts, end = [], 0
    for match in ADDRESS.finditer(line):
        parts.append(escape(line[end : match.start()]))
        parts.append(Markup('<a href="{0}" style="{1}">{0}</a>').format(match.group(), LINK))
        end = match.end()
    return Markup("").join([*parts, escape(line[end:])])
