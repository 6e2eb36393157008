"""Text with placeholders of a closed list, such as {name}; never a template engine on what people typed.

"{{" and "}}" stand for the braces themselves. A value is put in as it is: what looks like a placeholder in it
stays as it is.
"""

import re
from collections.abc import Collection, Iterator, Mapping

from forum_app.core.errors import Invalid
from forum_app.core.text import N_

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}\n]{0,60})\}|\{|\}")
SHOWN = 40  # characters of a wrong one


def _pieces(text: str, field: str | None) -> Iterator[tuple[str, str | None]]:
    """Stretches of text, each with the name of the placeholder that follows it; raises Invalid."""
    end, kept = 0, ""
    for match in _PIECE.finditer(text):
        kept += text[end : match.start()]
        end = match.end()
        if match.group() in ("{{", "}}"):
            kept += match.group()[0]
        elif match.group(1) is None:
            around = text[match.start() : match.start() + SHOWN].split("\n")[0]
            raise Invalid(
                N_("A brace stands alone at “%(text)s”. A placeholder is {name}; type a brace itself twice."),
                field=field,
                text=around,
            )
        else:
            yield kept, match.group(1)
            kept = ""
    yield kept + text[end:], None


def check_placeholders(
    text: str, known: Collection[str], *, field: str | None = None, needed: Collection[str] = ()
) -> None:
    """Raise Invalid, about field, unless text has only known placeholders and, if any are, one of needed."""
    used = {name for _, name in _pieces(text, field) if name is not None}
    unknown = sorted(used - set(known))
    if unknown:
        raise Invalid(
            N_("There is no placeholder {%(name)s}. You can use: %(known)s."),
            field=field,
            name=unknown[0][:SHOWN],
            known=", ".join(f"{{{name}}}" for name in known),
        )
    if needed and not used.intersection(needed):
        raise Invalid(
            N_("This text needs one of these: %(needed)s. Else the mail does not tell what it must."),
            field=field,
            needed=", ".join(f"{{{name}}}" for name in needed),
        )


def fill_placeholders(text: str, values: Mapping[str, str]) -> str:
    """text with its placeholders filled; it was checked when it was kept (else raises Invalid)."""
    parts = []
    for kept, name in _pieces(text, None):
        parts.append(kept)
        if name is not None:
            if name not in values:
                check_placeholders(text, values)
            parts.append(values[name])
    return "".join(parts)
