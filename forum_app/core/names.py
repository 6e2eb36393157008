"""Names of organizations and people, and the identifiers of organizations.

normal_form() makes the spellings of one organization's name equal; twin_keys() gives what a
table of keys is searched by, so that likely twins are found by equality, never by a scan;
similarity() ranks what was found.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from forum_app.core.errors import Invalid
from forum_app.core.kana import (
    DASHES,
    collation_key,
    fold_kana,
    fold_kanji,
    fold_romanization,
    katakana,
    romanize,
)
from forum_app.core.text import N_

MAX_COMPARED = 400  # characters; the rest of a longer name is not looked at

# --- Legal forms ---------------------------------------------------------------------------------
_JAPANESE_FORMS = (
    "株式会社 有限会社 合同会社 合資会社 合名会社 相互会社 特例有限会社 一般社団法人 "
    "公益社団法人 社団法人 一般財団法人 公益財団法人 財団法人 特定非営利活動法人 NPO法人 "
    "認定NPO法人 国立研究開発法人 独立行政法人 地方独立行政法人 国立大学法人 公立大学法人 "
    "大学共同利用機関法人 学校法人 社会福祉法人 医療法人 医療法人社団 医療法人財団 宗教法人 "
    "有限責任監査法人 監査法人 弁護士法人 税理士法人 有限責任事業組合 投資事業有限責任組合 "
    "カブシキガイシャ カブシキカイシャ ユウゲンガイシャ ユウゲンカイシャ ゴウドウガイシャ "
    "ゴウドウカイシャ イッパンシャダンホウジン イッパンザイダンホウジン "
    "コクリツダイガクホウジン コクリツケンキュウカイハツホウジン"
)
# In brackets, as (株) or ㈱; a bare 株 is part of a name. カ) and (カ are bank-transfer style.
_SHORT_FORMS = (
    "株 有 同 資 名 一社 公社 社 一財 公財 財 特非 独 地独 国研 国大 大 学 福 医 宗 責 株式会社 カ ユ ド"
)
_BRACKETED = re.compile(
    r"[(\[〔【<{](?:" + _SHORT_FORMS.replace(" ", "|") + r")[)\]〕】>}]|(?:^[カユド]\))|(?:\([カユド]$)"
)

_LATIN_FORMS = {
    tuple(form.split())
    for form in (
        "inc|incorporated|co|coltd|company|ltd|limited|llc|llp|lp|lllp|pllc|pc|corp|corporation|"
        "limited liability company|limited liability partnership|public limited company|"
        "private limited|pte|pty|pvt|plc|gmbh|mbh|ggmbh|ag|kg|kgaa|ohg|ug|se|ev|sa|sas|sasu|sarl|"
        "sl|srl|spa|sa de cv|bv|nv|ab|as|asa|aps|oy|oyj|kk|gk|yk|kabushiki kaisha|"
        "kabushiki gaisha|kabushikikaisha|kabushikigaisha|godo kaisha|godo gaisha|goudou kaisha|"
        "godokaisha|yugen kaisha|yugen gaisha|yuugen gaisha|yugengaisha|"
        "general incorporated association|general incorporated foundation|"
        "public interest incorporated association|public interest incorporated foundation|"
        "national research and development agency|national research & development agency|"
        "incorporated administrative agency|independent administrative institution|"
        "national university corporation|public university corporation|"
        "inter-university research institute corporation"
    )
    .replace("-", " ")
    .replace("&", "and")
    .split("|")
}
_LONGEST_FORM = max(len(form) for form in _LATIN_FORMS)
# Single words taken from the front; most of the others begin names as ordinary words (AB, Inc, SE).
_FIRST = {("the",), ("kk",), ("yk",), ("gk",), ("kabushikikaisha",), ("godokaisha",)}
_FILLERS = frozenset({"the", "of", "for", "and", "in", "de", "des", "du", "la", "der", "und", "fur"})

_INITIALS = re.compile(r"\b(?:[a-z]\.){2,}(?:[a-z]\b)?")
_APOSTROPHES = re.compile("['’‘ʼ`´]")
_NOT_WORD = re.compile(r"[\W_]+")
_DASHED = re.compile("[" + re.escape(DASHES) + "]+")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff々〆]")


def _without_accents(text: str) -> str:
    """Latin letters without their marks; kana keep theirs, which make another sound."""
    decomposed = unicodedata.normalize("NFD", text)
    kept: list[str] = []
    base = ""
    for character in decomposed:
        if unicodedata.combining(character):
            if base.isascii():
                continue
        else:
            base = character
        kept.append(character)
    text = unicodedata.normalize("NFC", "".join(kept))
    return text.replace("ø", "o").replace("ł", "l").replace("đ", "d").replace("æ", "ae").replace("œ", "oe")


def _folded(name: str) -> str:
    """One case, one width, one script variant; spaces and punctuation still there."""
    text = unicodedata.normalize("NFKC", name[:MAX_COMPARED]).casefold()
    # Case folding can undo the composed form, so the widths are folded once more after it.
    return fold_kana(fold_kanji(_without_accents(unicodedata.normalize("NFKC", text))))


_FOLDED_FORMS = sorted({_folded(form) for form in _JAPANESE_FORMS.split()}, key=len, reverse=True)


def _strip_japanese_forms(text: str) -> str:
    """Without legal forms at either end, as often as there are any; never to nothing."""
    while True:
        text = text.strip()
        for form in _FOLDED_FORMS:
            if len(text) > len(form) and (text.startswith(form) or text.endswith(form)):
                text = text.removeprefix(form) if text.startswith(form) else text.removesuffix(form)
                break
        else:
            return text


def _strip_latin_forms(words: list[str]) -> list[str]:
    """Without the legal forms at either end; the last word left is never taken."""
    while True:
        for size in range(min(_LONGEST_FORM, len(words) - 1), 0, -1):
            if tuple(words[-size:]) in _LATIN_FORMS:
                words = words[:-size]
                break
            head = tuple(words[:size])
            if head in _FIRST or (size > 1 and head in _LATIN_FORMS):
                words = words[size:]
                break
        else:
            return words


def _words(name: str) -> list[str]:
    """The words of a name in compared spelling, without legal forms; may be empty."""
    text = _BRACKETED.sub(" ", _folded(name))
    text = _INITIALS.sub(lambda match: match[0].replace(".", ""), text)
    text = _APOSTROPHES.sub("", text).replace("&", " and ").replace("+", " and ")
    text = _strip_japanese_forms(text)
    if _CJK.search(text):
        # A dash in a Japanese name is a long vowel or an ornament, not a border between words.
        text = _DASHED.sub("", text)
    return _strip_latin_forms(_NOT_WORD.sub(" ", text).split())


def normal_form(name: str) -> str:
    """The name as it is compared: 株式会社ﾄﾖﾀ, トヨタ（株） and とよた give one form; so do
    "Foo-Bar Co., Ltd." and "FOO BAR, Inc.".

    Never empty for a name that is not: one made of punctuation stands for itself.
    """
    compared = "".join(_words(name))
    stripped = _strip_japanese_forms(compared)
    if stripped:
        return stripped
    return "".join(_folded(name).split()) or name


# --- Likeness ------------------------------------------------------------------------------------
def _sorted_words(name: str) -> str:
    words = [word for word in _words(name) if word not in _FILLERS]
    return " ".join(sorted(words)) if len(words) > 1 else ""


def _pairs(text: str) -> Counter[str]:
    padded = f"^{text}$"
    return Counter(padded[index : index + 2] for index in range(len(padded) - 1))


def similarity(a: str, b: str) -> float:
    """How alike two names are: 1.0 when their normal forms agree, else below 1, down to 0.0.

    Dice's coefficient over neighbouring letters; the same words in another order count 0.95.
    """
    left, right = normal_form(a), normal_form(b)
    if left == right:
        return 1.0
    words = _sorted_words(a)
    if words and words == _sorted_words(b):
        return 0.95
    pairs, others = _pairs(left), _pairs(right)
    return min(0.94, 2 * (pairs & others).total() / (pairs.total() + others.total()))


_KEY_LENGTH = 80


def _latin_keys(name: str, form: str) -> set[str]:
    """Keys of a name in Latin letters: word order, first letters, consonants, initials, sound."""
    keys: set[str] = set()
    words = [word for word in _words(name) if word not in _FILLERS]
    if len(words) > 1:
        keys.add("w:" + " ".join(sorted(words)))
    if len(words) > 2:
        keys.add("a:" + "".join(word[0] for word in words))
    elif len(words) == 1 and 3 <= len(form) <= 6:
        keys.add("a:" + form)
    if len(form) >= 8:
        keys.add("p:" + form[:8])
    skeleton = re.sub(r"(.)\1", r"\1", re.sub("[aeiouy0-9]", "", form[1:]))
    if len(skeleton) >= 3:
        keys.add("s:" + form[0] + skeleton[:8])
    sound = fold_romanization(form)
    if len(sound) >= 4:
        keys.add("r:" + sound)
    return keys


def twin_keys(name_en: str | None, name_ja: str | None, kana: str | None) -> frozenset[str]:
    """Keys to store for an organization and to look others up by: likely twins share one.

    Each is at most 80 characters with its kind in front: n: normal form, w: its words sorted,
    p: its beginning, s: consonants, a: initials, r: sound (a reading in kana meets a romanized
    name). Candidates only: rank them with similarity() before showing them.
    """
    keys: set[str] = set()
    for name in (name_en, name_ja, kana):
        if not name or not name.strip():
            continue
        form = normal_form(name)
        keys.add("n:" + form)
        if form.isascii() and form.isalnum():
            keys |= _latin_keys(name, form)
            continue
        if _CJK.search(form) and len(form) >= 4:
            keys.add("p:" + form[:4])
        # The reading: romanized from the spelling with its small letters, if it is all kana.
        spoken = _strip_japanese_forms(_BRACKETED.sub(" ", katakana(name[:MAX_COMPARED])))
        sound = fold_romanization(re.sub(r"[\W_]", "", romanize(spoken)).casefold())
        if len(sound) >= 4 and sound.isascii():
            keys.add("r:" + sound)
    return frozenset(key[:_KEY_LENGTH] for key in keys)


# --- Identifiers ---------------------------------------------------------------------------------
class IdentifierScheme(StrEnum):
    """Registers whose numbers tell organizations apart."""

    CORPORATE_NUMBER = "corporate_number"
    UEI = "uei"
    CAGE = "cage"
    NCAGE = "ncage"


def corporate_number_check_digit(base: str) -> int:
    """The first digit of a 法人番号, from its other twelve.

    Ordinance of the Ministry of Finance on corporate numbers, article 2: 9 less the remainder of
    the weighted sum by 9; weights from the right are 1, 2, 1, 2 ...
    """
    total = sum(int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(base)))
    return 9 - total % 9


def _corporate_number(text: str) -> str:
    # T in front makes the same number an invoice-registration number.
    number = text.removeprefix("T")
    if not re.fullmatch("[0-9]{13}", number):
        raise Invalid(N_("A corporate number (法人番号) has 13 digits."))
    if int(number[0]) != corporate_number_check_digit(number[1:]):
        raise Invalid(
            N_("The check digit of corporate number %(number)s is wrong."),
            number=number,
        )
    return number


def _uei(text: str) -> str:
    # GSA, "Unique Entity ID Standard": no O or I, the first character is not zero, no nine digits
    # in a row. The last character is a checksum, but its rule is not published: format only.
    if not re.fullmatch("[0-9A-HJ-NP-Z]{12}", text) or text[0] == "0":
        raise Invalid(
            N_("A Unique Entity ID has 12 letters and digits, never O or I, and does not start with 0.")
        )
    if re.search("[0-9]{9}", text):
        raise Invalid(N_("A Unique Entity ID never has nine digits in a row."))
    return text


def _cage(text: str) -> str:
    # DLA: five characters, the first and the last a digit, letters other than I and O between.
    if not re.fullmatch("[0-9][0-9A-HJ-NP-Z]{3}[0-9]", text):
        raise Invalid(
            N_(
                "A CAGE code has five characters, begins and ends with a digit, never has I or O."
                " For a code from outside the United States choose NCAGE."
            )
        )
    return text


def _ncage(text: str) -> str:
    # NATO AC/135 gives each country a pattern of its own (a letter such as J marks the issuer),
    # and the chart changes: held to what all share.
    if not re.fullmatch("[0-9A-HJ-NP-Z]{5}", text) or not re.search("[0-9]", text):
        raise Invalid(N_("An NCAGE code has five letters and digits, at least one digit, and never I or O."))
    return text


_PARSERS: dict[IdentifierScheme, Callable[[str], str]] = {
    IdentifierScheme.CORPORATE_NUMBER: _corporate_number,
    IdentifierScheme.UEI: _uei,
    IdentifierScheme.CAGE: _cage,
    IdentifierScheme.NCAGE: _ncage,
}
_SEPARATORS = re.compile(r"[\s." + re.escape(DASHES) + "]+")


def parse_identifier(scheme: str, text: str) -> str:
    """The identifier in canonical form: ASCII capitals and digits, no spaces or dashes.

    scheme: a value of IdentifierScheme. Raises Invalid with what is wrong.
    """
    try:
        parser = _PARSERS[IdentifierScheme(scheme)]
    except ValueError:
        raise Invalid(N_("This kind of identifier is not known.")) from None
    if len(text) > 100:
        raise Invalid(N_("This identifier is too long."))
    return parser(_SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper())


# --- People --------------------------------------------------------------------------------------
def person_sort_key(
    name_latin: str | None, name_native: str | None, name_kana: str | None, locale: str
) -> str:
    """What a list of people is ordered by in a language; compare by code point.

    Japanese: by reading, then those with a Latin name only, then kanji without a reading.
    Other languages: by Latin name without accents, then the others by reading.
    """
    latin = " ".join(_without_accents(unicodedata.normalize("NFKC", name_latin or "")).casefold().split())
    native = " ".join(unicodedata.normalize("NFKC", name_native or "").split())
    reading = (name_kana or "").strip()
    if not reading and native and not re.search("[^\u3040-\u30ff ]", native):
        reading = native
    by_reading = collation_key(reading) if reading else ""
    ordered = [by_reading, latin, native] if locale[:2] == "ja" else [latin, by_reading, native]
    for rank, key in enumerate(ordered):
        if key:
            return f"{rank}{key}\x1f{native or latin}"
    return "9"
