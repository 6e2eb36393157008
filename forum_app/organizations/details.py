"""What is typed about an organization, checked before anything is stored. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Required, TypedDict, Unpack
from urllib.parse import urlsplit

from forum_app.core.errors import Invalid
from forum_app.core.names import parse_identifier, twin_keys
from forum_app.core.text import N_
from forum_app.organizations.models import COUNTRIES, IdentifierScheme, Kind, Stage

LIMITS = {
    "name_en": 200,
    "name_ja": 200,
    "name_kana": 200,
    "short_name": 40,
    "website": 500,
    "profile_en": 10_000,
    "profile_ja": 10_000,
}
_NOT_KANA = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_HOST = re.compile(r"(?=.{1,253}$)[^\s/@:?#\\<>\"'%]+(\.[^\s/@:?#\\<>\"'%]+)+")


@dataclass(frozen=True, slots=True)
class OrganizationDetails:
    """One organization as somebody describes it. country: ISO 3166-1 alpha-2; areas: codes."""

    kind: Kind
    country: str
    name_en: str = ""
    name_ja: str = ""
    name_kana: str = ""
    short_name: str = ""
    website: str = ""
    profile_en: str = ""
    profile_ja: str = ""
    areas: tuple[str, ...] = ()
    stage: Stage | None = None
    weapons_related: bool = False
    identifiers: Mapping[IdentifierScheme, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """One name to speak of it."""
        return self.name_en or self.name_ja


def checked_website(text: str) -> str:
    """An absolute http or https address; https is put before a bare host. Raises Invalid."""
    text = text.strip()
    if not text:
        return ""
    address = text if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text) else f"https://{text}"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    sound = (
        parts.scheme in ("http", "https")
        and _HOST.fullmatch(host)
        and "@" not in parts.netloc
        and not re.search(r"[\s\x00-\x1f\x7f\\<>\"]", address)
    )
    if not sound:
        raise Invalid(N_("A website begins with https:// or http:// and names a host."), field="website")
    return address


def checked_identifier(scheme: IdentifierScheme, text: str, country: str) -> str:
    """The canonical number; raises Invalid at the field of the scheme."""
    register = scheme.value
    if scheme is IdentifierScheme.CAGE and country != "US":
        register = "ncage"
    try:
        return parse_identifier(register, text)
    except Invalid as error:
        raise Invalid(error.message, field=scheme.value, **error.params) from None


class Typed(TypedDict, total=False):
    """An organization as it is typed into a form or stands in a roster; what is missing is empty.

    areas: codes. identifiers: by scheme.
    """

    kind: Required[Kind | str]
    country: Required[str]
    name_en: str
    name_ja: str
    name_kana: str
    short_name: str
    website: str
    profile_en: str
    profile_ja: str
    areas: Sequence[str]
    stage: Stage | str | None
    weapons_related: bool
    identifiers: Mapping[IdentifierScheme, str] | Mapping[str, str] | None


def checked_details(**typed: Unpack[Typed]) -> OrganizationDetails:
    """The details in tidy form; raises Invalid with the field that is wrong."""
    kind, country, stage = typed["kind"], typed["country"], typed.get("stage")
    texts = {
        "name_en": typed.get("name_en", ""),
        "name_ja": typed.get("name_ja", ""),
        "name_kana": typed.get("name_kana", ""),
        "short_name": typed.get("short_name", ""),
        "profile_en": typed.get("profile_en", ""),
        "profile_ja": typed.get("profile_ja", ""),
        "website": typed.get("website", ""),
    }
    for name, text in texts.items():
        texts[name] = unicodedata.normalize("NFC", text or "").replace("\0", "").strip()
        if not name.startswith("profile"):
            texts[name] = " ".join(texts[name].split())
        if len(texts[name]) > LIMITS[name]:
            raise Invalid(N_("This is longer than %(most)s characters."), field=name, most=LIMITS[name])
    if not texts["name_en"] and not texts["name_ja"]:
        raise Invalid(N_("Give the name in at least one of the two languages."), field="name_en")
    texts["name_kana"] = unicodedata.normalize("NFKC", texts["name_kana"])
    if _NOT_KANA.search(texts["name_kana"]):
        raise Invalid(N_("Give the reading in kana, without kanji."), field="name_kana")
    try:
        known_kind = Kind(kind)
    except ValueError:
        raise Invalid(N_("This kind of organization is not known."), field="kind") from None
    try:
        known_stage = Stage(stage) if stage else None
    except ValueError:
        raise Invalid(N_("This stage is not known."), field="stage") from None
    if country not in COUNTRIES:
        raise Invalid(N_("Give the country as two capital letters (ISO 3166-1)."), field="country")
    texts["website"] = checked_website(texts["website"])
    numbers: dict[IdentifierScheme, str] = {}
    for name, text in (typed.get("identifiers") or {}).items():
        if text and text.strip():
            scheme = IdentifierScheme(name)
            numbers[scheme] = checked_identifier(scheme, text, country)
    return OrganizationDetails(
        kind=known_kind,
        country=country,
        areas=tuple(dict.fromkeys(typed.get("areas", ()))),
        stage=known_stage,
        weapons_related=typed.get("weapons_related", False),
        identifiers=numbers,
        **texts,
    )


def organization_keys(name_en: str, name_ja: str, name_kana: str, short_name: str) -> frozenset[str]:
    """All keys under which an organization of these names is stored and looked up."""
    return twin_keys(name_en, name_ja, name_kana) | twin_keys(short_name, None, None)


_LEGAL_FORMS = "inc co ltd corp corporation llc llp lp kk gk plc company limited incorporated gmbh"
_LEGAL = frozenset(_LEGAL_FORMS.split())
# Segments of addresses below /organizations/ that are not organizations.
RESERVED_SLUGS = frozenset({"new", "twins", "invitations", "import", "export"})
MAX_SLUG = 60


def slug_base(name_en: str, reading: str) -> str:
    """Lower-case ASCII from the English name, else from the romanized reading; may be empty."""
    for text in (name_en, reading):
        ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
        words = re.findall("[a-z0-9]+", re.sub(r"(?<=\b[a-z])\.|['’]", "", ascii_text))
        while len(words) > 1 and words[-1] in _LEGAL:
            words.pop()
        slug = "-".join(words)
        if len(slug) > MAX_SLUG:
            slug = slug[:MAX_SLUG].rsplit("-", 1)[0]
        if slug in RESERVED_SLUGS or re.fullmatch("org-[0-9]+", slug):
            slug = f"{slug}-organization"
        if slug:
            return slug
    return ""
