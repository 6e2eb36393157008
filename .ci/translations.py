"""Japanese texts: one hand-kept PO file per feature, merged into one catalog when built.

translations.py compile   writes forum_app/translations/ja/LC_MESSAGES/messages.mo
translations.py check     fails on missing, dead, contradicting or wrongly filled texts
translations.py missing   prints the missing texts as PO entries, by source file
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
JAPANESE = ROOT / "forum_app" / "translations" / "ja"
KEYWORDS = {
    "_": None,
    "N_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
Id = str | tuple[str, ...]


def extracted() -> dict[Id, list[str]]:
    """Every marked sentence and where it stands."""
    found: dict[Id, list[str]] = {}
    sources = (
        (ROOT / "forum_app", [("**.py", "python")], {}),
        (
            ROOT / "templates",
            [("**.html", "jinja2"), ("**.txt", "jinja2")],
            {
                "**.html": {"trimmed": "true", "silent": "false"},
                "**.txt": {"trimmed": "true", "silent": "false"},
            },
        ),
    )
    for folder, methods, options in sources:
        for name, line, message, *_ in extract_from_dir(
            folder, method_map=methods, options_map=options, keywords=KEYWORDS
        ):
            key: Id = tuple(message) if isinstance(message, (tuple, list)) else message
            if key and key != "":
                found.setdefault(key, []).append(f"{folder.name}/{name}:{line}")
    for key, place in inside_texts():
        found.setdefault(key, []).append(place)
    return found


def inside_texts() -> Iterator[tuple[Id, str]]:
    """Marked sentences inside f-strings, which Babel takes for one piece of text."""
    for path in sorted((ROOT / "forum_app").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = (
            call
            for text in ast.walk(tree)
            if isinstance(text, ast.JoinedStr)
            for call in ast.walk(text)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KEYWORDS
        )
        for call in calls:
            number = len(KEYWORDS[call.func.id] or (1,))
            words = [one.value for one in call.args[:number] if isinstance(one, ast.Constant)]
            if len(words) == number:
                yield words[0] if number == 1 else tuple(words), f"{path.relative_to(ROOT)}:{call.lineno}"


def translated() -> Iterator[tuple[Path, Message]]:
    for path in sorted(JAPANESE.glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="ja", abort_invalid=True):
                if message.id:
                    yield path, message


def filled(message: Message) -> bool:
    return bool(message.string) and all(message.string if isinstance(message.string, tuple) else [1])


def merged() -> tuple[Catalog, list[str]]:
    """One catalog of all files, and what contradicts."""
    catalog = Catalog(locale="ja", domain="messages", charset="utf-8")
    faults = []
    seen: dict[Id, tuple[Path, Message]] = {}
    for path, message in translated():
        key: Id = tuple(message.id) if isinstance(message.id, (tuple, list)) else message.id
        if not filled(message):
            faults.append(f"{path.name}: empty: {key!r}")
            continue
        wanted = set(PLACEHOLDER.findall(" ".join(key) if isinstance(key, tuple) else key))
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        for text in texts:
            if not set(PLACEHOLDER.findall(text)) <= wanted or (
                not isinstance(key, tuple) and set(PLACEHOLDER.findall(text)) != wanted
            ):
                faults.append(f"{path.name}: placeholders differ: {key!r}")
        if key in seen:
            other, first = seen[key]
            if first.string != message.string:
                faults.append(f"{path.name}: differs from {other.name}: {key!r}")
            continue
        seen[key] = (path, message)
        catalog.add(message.id, message.string)
    return catalog, faults


def compile_catalog() -> None:
    catalog, _ = merged()
    target = JAPANESE / "LC_MESSAGES" / "messages.mo"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        write_mo(file, catalog)
    print(f"{len(catalog)} texts in {target.relative_to(ROOT)}")


def lookup(catalog: Catalog, key: Id) -> bool:
    message = catalog.get(key[0] if isinstance(key, tuple) else key)
    return message is not None and filled(message)


def missing() -> dict[Id, list[str]]:
    catalog, _ = merged()
    return {key: places for key, places in extracted().items() if not lookup(catalog, key)}


def check() -> int:
    catalog, faults = merged()
    used = extracted()
    ids = {key[0] if isinstance(key, tuple) else key for key in used}
    faults += [f"missing: {key!r} ({places[0]})" for key, places in used.items() if not lookup(catalog, key)]
    for path, message in translated():
        key = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
        if key not in ids:
            faults.append(f"{path.name}: dead, no longer used: {key!r}")
    for fault in faults:
        print(fault)
    print(f"{len(used)} texts, {len(faults)} faults")
    return 1 if faults else 0


def print_missing() -> None:
    by_place = sorted(missing().items(), key=lambda item: item[1][0])
    for key, places in by_place:
        print(f"\n#: {places[0]}")
        if isinstance(key, tuple):
            print(f'msgid {key[0]!r}\nmsgid_plural {key[1]!r}\nmsgstr[0] ""')
        else:
            print(f'msgid {key!r}\nmsgstr ""')


if __name__ == "__main__":
    command = sys.argv[1] if len(sys.argv) == 2 else ""
    if command == "compile":
        compile_catalog()
    elif command == "check":
        sys.exit(check())
    elif command == "missing":
        print_missing()
    else:
        sys.exit(__doc__)
