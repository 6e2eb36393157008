"""Use cases of the registry: new entries, changes, rosters."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import delete, func, or_, select
from sqlalchemy.exc import IntegrityError

from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.kana import romanize
from forum_app.core.text import N_
from forum_app.db import db, violated
from forum_app.organizations.details import (
    OrganizationDetails,
    Typed,
    checked_details,
    organization_keys,
    slug_base,
)
from forum_app.organizations.models import (
    Identifier,
    IdentifierScheme,
    MemberRole,
    Membership,
    MemberState,
    Organization,
    TechnologyArea,
    TwinKey,
)
from forum_app.organizations.permissions import can_create_organization, can_edit_organization
from forum_app.organizations.queries import Twin, find_holder, find_twins


class LikelyTwins(Invalid):
    """The registry has entries that are likely the same organization; twins: best first."""

    def __init__(self, twins: Sequence[Twin]) -> None:
        super().__init__(
            N_("The registry has an organization like this. Choose it, or confirm that yours differs."),
            field="different",
        )
        self.twins = list(twins)


def create_organization(
    *,
    actor: Any,
    now: datetime,
    fictional: bool = False,
    confirmed: bool = False,
    represent: bool = True,
    **typed: Unpack[Typed],
) -> Organization:
    """A new entry; actor becomes its representative (unless represent is False, or actor None).

    Raises LikelyTwins unless confirmed, and Invalid with the
    holder's name when an identifier is taken, confirmed or not. actor None: the system itself.
    """
    if actor is not None and not can_create_organization(actor):
        raise PermissionDenied(N_("Confirm your mail address before you enter an organization."))
    details = checked_details(**typed)
    _refuse_taken(details, besides=None)
    if not confirmed and (twins := twins_of(details)):
        raise LikelyTwins(twins)
    organization = _insert(details, fictional=fictional, now=now)
    if actor is not None and represent:
        db.session.add(
            Membership(
                organization_id=organization.id,
                user_id=actor.id,
                role=MemberRole.REPRESENTATIVE,
                state=MemberState.ACTIVE,
                created_at=now,
                decided_at=now,
            )
        )
    record(actor=actor, action="organization.created", subject=organization, now=now)
    return organization


def update_organization(
    *,
    actor: Any,
    organization: Organization,
    version: int,
    now: datetime,
    **typed: Unpack[Typed],
) -> Organization:
    """Change an entry; version: the one the person saw, another one is a Conflict."""
    if not can_edit_organization(actor, organization):
        raise PermissionDenied(N_("Only representatives of the organization may change its entry."))
    if organization.version != version:
        raise Conflict(
            N_("Somebody else changed this entry in the meantime. Look at it again and repeat yours.")
        )
    details = checked_details(**typed)
    _refuse_taken(details, besides=organization.id)
    before = {name: getattr(organization, name) for name in (*TEXTS, *FACTS)}
    old_areas, old_numbers = organization.areas, {i.scheme: i.value for i in organization.identifiers}
    for name in before:
        setattr(organization, name, getattr(details, name))
    organization.areas = _areas(details.areas)
    changed = [name for name, value in before.items() if value != getattr(organization, name)]
    if [a.id for a in old_areas] != [a.id for a in organization.areas]:
        changed.append("areas")
    if old_numbers != dict(details.identifiers):
        changed.append("identifiers")
    _store_identifiers(organization, details)
    _store_keys(organization)
    if changed:
        record(
            actor=actor,
            action="organization.changed",
            subject=organization,
            now=now,
            detail={"fields": changed},
        )
    return organization


def twins_of(details: OrganizationDetails) -> list[Twin]:
    """Likely twins of somebody's description."""
    return find_twins(
        name_en=details.name_en,
        name_ja=details.name_ja,
        name_kana=details.name_kana,
        short_name=details.short_name,
        identifiers=details.identifiers,
    )


# --- Rows ----------------------------------------------------------------------------------------
TEXTS = ("name_en", "name_ja", "name_kana", "short_name", "website", "profile_en", "profile_ja")
FACTS = ("kind", "country", "stage", "weapons_related")


def _areas(codes: Sequence[str]) -> list[TechnologyArea]:
    if not codes:
        return []
    rows = db.session.scalars(
        select(TechnologyArea).where(TechnologyArea.code.in_(codes)).order_by(TechnologyArea.position)
    ).all()
    unknown = sorted(set(codes) - {row.code for row in rows})
    if unknown:
        raise Invalid(N_("The technology area %(code)s is not known."), field="areas", code=unknown[0])
    return list(rows)


def _insert(details: OrganizationDetails, *, fictional: bool, now: datetime) -> Organization:
    values = {name: getattr(details, name) for name in (*TEXTS, *FACTS)}
    areas = _areas(details.areas)
    for slug in _slugs(slug_base(details.name_en, romanize(details.name_kana))):
        organization = Organization(
            slug=slug,
            fictional=fictional,
            created_at=now,
            areas=areas,
            identifiers=[],
            **values,
        )
        try:
            with db.session.begin_nested():
                db.session.add(organization)
        except IntegrityError as error:
            # somebody took the address between our look and our insert
            if violated(error, "uq_organizations_organization_slug"):
                continue
            raise
        _store_identifiers(organization, details)
        _store_keys(organization)
        return organization
    raise Conflict(N_("Too many changes at the same moment. Nothing was changed; please try again."))


def _slugs(base: str) -> Iterator[str]:
    """Addresses to try, free ones as far as can be seen; a unique constraint decides."""
    if not base:
        number = (db.session.scalar(select(func.max(Organization.id))) or 0) + 1
        yield from (f"org-{number + step}" for step in range(100))
        return
    taken = set(
        db.session.scalars(
            select(Organization.slug).where(
                or_(Organization.slug == base, Organization.slug.like(f"{base}-%"))
            )
        )
    )
    candidates = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 50)))
    yield from (slug for slug in candidates if slug not in taken)


def _refuse_taken(details: OrganizationDetails, *, besides: int | None) -> None:
    for scheme, value in details.identifiers.items():
        holder = find_holder(scheme, value)
        if holder is not None and holder.id != besides:
            raise _taken(scheme, value, holder)


def _taken(scheme: IdentifierScheme, value: str, holder: Organization) -> Invalid:
    return Invalid(
        N_("%(value)s is already the number of %(holder)s."),
        field=scheme.value,
        value=value,
        holder=holder.audit_label,
    )


def _store_identifiers(organization: Organization, details: OrganizationDetails) -> None:
    for row in list(organization.identifiers):
        if details.identifiers.get(row.scheme) != row.value:
            organization.identifiers.remove(row)
    db.session.flush()
    kept = {row.scheme for row in organization.identifiers}
    for scheme, value in details.identifiers.items():
        if scheme in kept:
            continue
        try:
            with db.session.begin_nested():
                organization.identifiers.append(Identifier(scheme=scheme, value=value))
        except IntegrityError as error:
            # two people entered the same number at the same moment
            holder = find_holder(scheme, value)
            if holder is None or not violated(error, "uq_organizations_identifier_scheme_value"):
                raise
            raise _taken(scheme, value, holder) from error


def _store_keys(organization: Organization) -> None:
    keys = organization_keys(
        organization.name_en, organization.name_ja, organization.name_kana, organization.short_name
    )
    stored = set(
        db.session.scalars(select(TwinKey.key).where(TwinKey.organization_id == organization.id)).all()
    )
    if stored - keys:
        db.session.execute(
            delete(TwinKey).where(TwinKey.organization_id == organization.id, TwinKey.key.in_(stored - keys))
        )
    db.session.add_all(TwinKey(organization_id=organization.id, key=key) for key in sorted(keys - stored))
    db.session.flush()


# --- Rosters -------------------------------------------------------------------------------------
@dataclass(slots=True)
class ImportReport:
    """What a roster did; numbers are rows of the file, the first row after the header is 2."""

    created: list[Organization] = field(default_factory=list)
    known: list[tuple[int, Organization]] = field(default_factory=list)
    twins: list[tuple[int, str, list[Twin]]] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"{len(self.created)} organizations entered, {len(self.known)} already there,"
            f" {len(self.twins)} likely duplicates not entered."
        ]
        for row, name, twins in self.twins:
            likely = ", ".join(f"{t.organization.audit_label} ({t.organization.slug})" for t in twins)
            lines.append(f"Row {row}: {name} looks like {likely}.")
        return "\n".join(lines)


def import_organizations(
    *, actor: Any, rows: Iterable[tuple[int, OrganizationDetails]], now: datetime
) -> ImportReport:
    """Enter a roster, checked already, all or nothing.

    A row whose number or whose very names are in the registry is left as it is there. A row that looks
    like an entry is reported and not entered: a person decides. Raises Invalid with the row.
    """
    if actor is not None and not actor.is_admin:
        raise PermissionDenied(N_("Only administrators may import a roster."))
    report = ImportReport()
    for number, details in rows:
        holders = {
            holder.id: holder
            for scheme, value in details.identifiers.items()
            if (holder := find_holder(scheme, value)) is not None
        }
        if len(holders) > 1:
            raise Invalid(
                N_("Row %(row)s: its numbers belong to different organizations: %(names)s."),
                row=number,
                names=", ".join(holder.audit_label for holder in holders.values()),
            )
        known = next(iter(holders.values()), None) or _same_names(details)
        if known is not None:
            report.known.append((number, known))
        elif twins := twins_of(details):
            report.twins.append((number, details.name, twins))
        else:
            try:
                organization = _insert(details, fictional=False, now=now)
            except Invalid as error:
                raise Invalid(N_("Row %(row)s: %(reason)s"), row=number, reason=str(error)) from error
            record(
                actor=actor,
                action="organization.created",
                subject=organization,
                now=now,
                detail={"roster_row": number},
            )
            report.created.append(organization)
    return report


def _same_names(details: OrganizationDetails) -> Organization | None:
    return db.session.scalar(
        select(Organization)
        .where(
            Organization.name_en == details.name_en,
            Organization.name_ja == details.name_ja,
            Organization.country == details.country,
        )
        .order_by(Organization.id)
        .limit(1)
    )
