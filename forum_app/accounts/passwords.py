"""Passwords by NIST SP 800-63B-4, section 3.1.1.2, and Argon2id (RFC 9106).

At least 15 characters while there is no second factor, no rules of composition, every character
allowed, a blocklist, NFC before hashing.
"""

import re
import secrets
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from forum_app.core.errors import Invalid
from forum_app.core.text import N_

LEAST = 15
MOST = 256
LEFT_OVER = 6  # characters that must remain once everything guessable is taken away
RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "azertyuiop",
    "qwertzuiop",
    "いろはにほへとちりぬるを",
    "あいうえおかきくけこさしすせそ",
)
SHORTEST_RUN = 4
LIST = Path(__file__).with_name("common_passwords.txt")
LEET = str.maketrans("@$!|", "asil")

# Twice the least that OWASP's cheat sheet names for one lane (19 MiB, t=2), some 60 ms; small enough
# that a few at once do not swell a worker.
hasher = PasswordHasher(time_cost=3, memory_cost=19456, parallelism=1)


def normalized(password: str) -> str:
    """The one form under which a password is checked and hashed: Unicode NFC."""
    return unicodedata.normalize("NFC", password)


def hash_password(password: str) -> str:
    """Argon2id in its own text form; takes tens of milliseconds, so never inside a transaction."""
    return hasher.hash(normalized(password))


@lru_cache(maxsize=1)
def _dummy() -> str:
    return hasher.hash(secrets.token_urlsafe(16))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether password is right; takes as long when there is no hash to compare with."""
    dummy = _dummy()  # made once; asked for in both cases, so that the first time tells nothing either
    if len(password) > MOST * 4:
        password, password_hash = "", None
    try:
        right = hasher.verify(password_hash or dummy, normalized(password))
    except (VerificationError, InvalidHashError):
        return False
    return right and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return hasher.check_needs_rehash(password_hash)


def generate_password() -> str:
    """A password for a first administrator: 100 random bits, without look-alike characters."""
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(5))


def check_password(password: str, *, own_words: Iterable[str] = (), field: str = "password") -> None:
    """Raise Invalid(field) unless password may be chosen.

    own_words: the person's names and address; the forum's own words are in the list.
    """
    password = normalized(password)
    if len(password) < LEAST:
        raise Invalid(
            N_("Use at least %(least)s characters; several words in a row are easy to remember."),
            field=field,
            least=LEAST,
        )
    if len(password) > MOST:
        raise Invalid(N_("Use at most %(most)s characters."), field=field, most=MOST)
    if _is_guessable(password, own_words):
        raise Invalid(
            N_(
                "This password is easy to guess: little is left of it without common passwords, "
                "repetitions and your own name. Choose other words."
            ),
            field=field,
        )


def _is_guessable(password: str, own_words: Iterable[str]) -> bool:
    plain = _plain(password)
    if len(set(plain)) < 5 or _period(plain) <= len(plain) // 2:
        return True
    own = {_plain(part) for word in own_words for part in _parts(word)}
    words = _common() | {word for word in own if len(word) >= 3}
    return any(
        len(_without_runs(_without(text, words))) < LEFT_OVER for text in (plain, _plain(_unleet(password)))
    )


def _plain(text: str) -> str:
    """Letters and digits alone, case and width folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum()) or folded


def _unleet(password: str) -> str:
    """p@ssw0rd as password; digits between letters only, so that numbers stay numbers."""
    text = password.casefold().translate(LEET)
    swaps = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t"}
    return re.sub(r"(?<=[a-z])[013457](?=[a-z])", lambda match: swaps[match[0]], text)


def _parts(word: str) -> list[str]:
    """A name or address, whole and by its parts."""
    return [word, *re.split(r"[\s@.\-_+,・　]+", word)]


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _period(text: str) -> int:
    """Length of the shortest unit that text repeats (its last repetition may be cut short)."""
    doubled = text + text
    exact = doubled.find(text, 1)
    for length in range(1, len(text) // 2 + 1):
        if text == (text[:length] * (len(text) // length + 1))[: len(text)]:
            return min(exact, length)
    return exact


def _without(text: str, words: Iterable[str]) -> str:
    """text with the words taken out, longest first."""
    for word in sorted((w for w in words if w in text), key=len, reverse=True):
        text = text.replace(word, " ")
    return text.replace(" ", "") if len(set(text)) > 1 else text.strip()


def _without_runs(text: str) -> str:
    """text without stretches of a keyboard row, the alphabet, counting, or one character."""
    kept: list[str] = []
    start = 0
    while start < len(text):
        length = max(_run_length(text, start), _same_length(text, start))
        if length >= SHORTEST_RUN:
            start += length
        else:
            kept.append(text[start])
            start += 1
    return "".join(kept)


def _same_length(text: str, start: int) -> int:
    length = 1
    while start + length < len(text) and text[start + length] == text[start]:
        length += 1
    return length


def _run_length(text: str, start: int) -> int:
    longest = 1
    for run in RUNS:
        for row in (run, run[::-1]):
            at = row.find(text[start])
            length = 0
            while (
                at >= 0
                and start + length < len(text)
                and at + length < len(row)
                and text[start + length] == row[at + length]
            ):
                length += 1
            longest = max(longest, length)
    return longest
