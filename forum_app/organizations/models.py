"""The registry of organizations in two languages, and who belongs to them."""

import enum
from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    Enum,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from forum_app.accounts.models import User
from forum_app.core.names import normal_form, person_sort_key
from forum_app.core.text import N_
from forum_app.db import Base, Key


class Kind(enum.StrEnum):
    """Kinds of organization."""

    STARTUP = "startup"
    AGENCY = "agency"
    GOVERNMENT_INVESTOR = "government_investor"
    VENTURE_CAPITAL = "venture_capital"
    PRIME = "prime"
    UNIVERSITY = "university"
    ASSOCIATION = "association"
    FACILITATOR = "facilitator"
    PRESS = "press"
    OTHER = "other"


KIND_LABELS = {
    Kind.STARTUP: N_("Start-up"),
    Kind.AGENCY: N_("Government agency"),
    Kind.GOVERNMENT_INVESTOR: N_("Government-backed investor"),
    Kind.VENTURE_CAPITAL: N_("Venture capital"),
    Kind.PRIME: N_("Large company / prime"),
    Kind.UNIVERSITY: N_("University / research institute"),
    Kind.ASSOCIATION: N_("Industry association"),
    Kind.FACILITATOR: N_("Facilitator"),
    Kind.PRESS: N_("Press"),
    Kind.OTHER: N_("Other"),
}


class Stage(enum.StrEnum):
    """How far a company's product is."""

    IDEA = "idea"
    PROTOTYPE = "prototype"
    PRODUCT = "product"
    REVENUE = "revenue"


STAGE_LABELS = {
    Stage.IDEA: N_("Idea"),
    Stage.PROTOTYPE: N_("Prototype"),
    Stage.PRODUCT: N_("Product"),
    Stage.REVENUE: N_("Revenue"),
}

_ISO_3166 = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT "
    "BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
    "ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT "
    "HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS "
    "LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI "
    "NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG "
    "SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG "
    "UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "
)
COUNTRIES = frozenset(_ISO_3166.split())  # ISO 3166-1 alpha-2

organization_area = Table(
    "organizations_organization_area",
    Base.metadata,
    Column(
        "organization_id",
        ForeignKey("organizations_organization.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column(
        "area_id",
        ForeignKey("organizations_area.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
)


class TechnologyArea(Base):
    """A technology area; code is stable (robotics, ai, quantum ...)."""

    __tablename__ = "organizations_area"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name_en: Mapped[str] = mapped_column(String(200))
    name_ja: Mapped[str] = mapped_column(String(200))
    position: Mapped[int] = mapped_column(default=0)


# Compared by code point on every database, as core.names means it.
SORT_LENGTH = 400
_SortKey = String(SORT_LENGTH).with_variant(String(SORT_LENGTH, collation="C"), "postgresql")


class Organization(Base):
    """An organization; at least one of the two names is set.

    sort_en, sort_ja: what a list in that language is ordered by (in Japanese the reading where it
    is known). search_text: the normal forms of all its names. All three follow the names.
    """

    __tablename__ = "organizations_organization"
    __table_args__ = (
        CheckConstraint("name_en <> '' OR name_ja <> ''", name="has_name"),
        Index(None, "sort_ja"),
        Index(None, "sort_en"),
    )

    id: Mapped[Key]
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    name_en: Mapped[str] = mapped_column(String(200), default="")
    name_ja: Mapped[str] = mapped_column(String(200), default="")
    name_kana: Mapped[str] = mapped_column(String(200), default="")
    short_name: Mapped[str] = mapped_column(String(40), default="")
    kind: Mapped[Kind] = mapped_column(Enum(Kind, native_enum=False, length=30), index=True)
    country: Mapped[str] = mapped_column(String(2), index=True)  # ISO 3166-1 alpha-2
    website: Mapped[str] = mapped_column(String(500), default="")
    profile_en: Mapped[str] = mapped_column(Text, default="")
    profile_ja: Mapped[str] = mapped_column(Text, default="")
    stage: Mapped[Stage | None] = mapped_column(Enum(Stage, native_enum=False, length=20))
    weapons_related: Mapped[bool] = mapped_column(default=False)  # has business related to weapons
    fictional: Mapped[bool] = mapped_column(default=False)
    sort_en: Mapped[str] = mapped_column(_SortKey, default="")
    sort_ja: Mapped[str] = mapped_column(_SortKey, default="")
    search_text: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    areas: Mapped[list[TechnologyArea]] = relationship(
        secondary=organization_area, order_by=TechnologyArea.position
    )
    identifiers: Mapped[list["Identifier"]] = relationship(
        back_populates="organization", cascade="all, delete-orphan"
    )
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return self.name_en or self.name_ja


def search_form(text: str) -> str:
    """What is typed into a search, or a name, as the two are compared."""
    return normal_form(text).casefold()


@event.listens_for(Organization, "before_insert")
@event.listens_for(Organization, "before_update")
def _follow_names(mapper: Mapper[Organization], connection: object, row: Organization) -> None:
    latin, native, kana = row.name_en or "", row.name_ja or "", row.name_kana or ""
    row.sort_en = person_sort_key(latin, native, kana, "en")[:SORT_LENGTH]
    row.sort_ja = person_sort_key(latin, native, kana, "ja")[:SORT_LENGTH]
    names = (latin, native, kana, row.short_name or "")
    row.search_text = "\n".join(dict.fromkeys(search_form(name) for name in names if name))


class IdentifierScheme(enum.StrEnum):
    """Registers that number organizations; the value's form is checked in core.names."""

    CORPORATE_NUMBER = "corporate_number"  # 法人番号
    UEI = "uei"
    CAGE = "cage"


SCHEME_LABELS = {
    IdentifierScheme.CORPORATE_NUMBER: N_("Corporate number (Japan)"),
    IdentifierScheme.UEI: N_("UEI (U.S.)"),
    IdentifierScheme.CAGE: N_("CAGE / NCAGE code"),
}


class Identifier(Base):
    """One number of an organization in canonical form; no two organizations share one."""

    __tablename__ = "organizations_identifier"
    __table_args__ = (
        UniqueConstraint("scheme", "value"),
        UniqueConstraint("organization_id", "scheme"),
    )

    id: Mapped[Key]
    organization_id: Mapped[int] = mapped_column(ForeignKey(Organization.id, ondelete="CASCADE"))
    scheme: Mapped[IdentifierScheme] = mapped_column(Enum(IdentifierScheme, native_enum=False, length=30))
    value: Mapped[str] = mapped_column(String(20))
    organization: Mapped[Organization] = relationship(back_populates="identifiers")


class TwinKey(Base):
    """Keys by which likely twins are found without reading the whole registry (core.names.twin_keys)."""

    __tablename__ = "organizations_twin_key"

    organization_id: Mapped[int] = mapped_column(
        ForeignKey(Organization.id, ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(250), primary_key=True, index=True)


class MemberRole(enum.StrEnum):
    REPRESENTATIVE = "representative"
    MEMBER = "member"


MEMBER_ROLE_LABELS = {
    MemberRole.REPRESENTATIVE: N_("Representative"),
    MemberRole.MEMBER: N_("Member"),
}


class MemberState(enum.StrEnum):
    """requested (by the person), invited (by a representative, by mail), active, ended."""

    REQUESTED = "requested"
    INVITED = "invited"
    ACTIVE = "active"
    ENDED = "ended"


class Membership(Base):
    """A person and an organization. An invitation has an address and a token until it is taken."""

    __tablename__ = "organizations_membership"
    __table_args__ = (
        UniqueConstraint("organization_id", "user_id"),
        UniqueConstraint("organization_id", "email_key"),
        Index(None, "user_id"),
    )

    id: Mapped[Key]
    organization_id: Mapped[int] = mapped_column(ForeignKey(Organization.id, ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    email_key: Mapped[str | None] = mapped_column(String(320))
    role: Mapped[MemberRole] = mapped_column(Enum(MemberRole, native_enum=False, length=20))
    state: Mapped[MemberState] = mapped_column(Enum(MemberState, native_enum=False, length=20))
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    message: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    organization: Mapped[Organization] = relationship()
    user: Mapped[User | None] = relationship()
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return self.email_key or ""


class ExclusionGround(enum.StrEnum):
    """Why an organization may not meet somebody."""

    LP_AGREEMENT = "lp_agreement"
    RESEARCH_AWARD = "research_award"
    COMPETITOR = "competitor"
    OTHER = "other"


EXCLUSION_GROUND_LABELS = {
    ExclusionGround.LP_AGREEMENT: N_("Limited-partner agreement"),
    ExclusionGround.RESEARCH_AWARD: N_("Terms of a research award"),
    ExclusionGround.COMPETITOR: N_("Competitor"),
    ExclusionGround.OTHER: N_("Other ground"),
}


class Exclusion(Base):
    """Whom an organization must not meet: one organization, a kind, a technology area, or all with
    business related to weapons. Confidential: the other side never learns of it.

    ends_on: the last day on which it holds, None: until it is ended.
    """

    __tablename__ = "organizations_exclusion"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN other_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN kind IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN area_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN weapons_related THEN 1 ELSE 0 END) = 1",
            name="one_target",
        ),
        CheckConstraint("other_id IS NULL OR other_id <> organization_id", name="two_organizations"),
    )

    id: Mapped[Key]
    organization_id: Mapped[int] = mapped_column(ForeignKey(Organization.id, ondelete="CASCADE"), index=True)
    other_id: Mapped[int | None] = mapped_column(ForeignKey(Organization.id, ondelete="CASCADE"), index=True)
    kind: Mapped[Kind | None] = mapped_column(Enum(Kind, native_enum=False, length=30))
    area_id: Mapped[int | None] = mapped_column(ForeignKey(TechnologyArea.id, ondelete="CASCADE"), index=True)
    weapons_related: Mapped[bool] = mapped_column(default=False)
    ground: Mapped[ExclusionGround] = mapped_column(Enum(ExclusionGround, native_enum=False, length=20))
    reason: Mapped[str] = mapped_column(String(1000), default="")
    ends_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    organization: Mapped[Organization] = relationship(foreign_keys=[organization_id])
    other: Mapped[Organization | None] = relationship(foreign_keys=[other_id])
    area: Mapped[TechnologyArea | None] = relationship()

    @property
    def audit_label(self) -> str:
        return self.ground.value
