"""Rules of demonstration organizations, how far their products are, and whom their people wish to meet."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import select

from forum_app.db import db
from forum_app.demo.world import World
from forum_app.organizations.models import (
    Exclusion,
    ExclusionGround,
    Kind,
    Stage,
    TechnologyArea,
)
from forum_app.registration.models import Registration

WEAPONS = (
    "fujimine-heavy",
    "tokai-electronics",
    "musashi-aerospace",
    "meridian-defense",
    "hartwell-aviation",
    "ridgeline-autonomy",
    "kawasemi",
)
STAGES = (Stage.PROTOTYPE, Stage.IDEA, Stage.PRODUCT, Stage.PROTOTYPE, Stage.REVENUE)
FAMOUS = frozenset({"diu", "iqt", "atla", "disti"})


def seed_exclusions(world: World) -> None:
    """A fund bound by its partners, a university by an award, competitors; and one rule that has ended."""
    named = world.organizations
    startups = sorted(slug for slug, row in named.items() if row.kind == Kind.STARTUP)
    for number, slug in enumerate(startups):
        named[slug].stage = STAGES[number % len(STAGES)]
    for slug in WEAPONS:
        named[slug].weapons_related = True
    quantum = db.session.scalars(select(TechnologyArea).where(TechnologyArea.code == "quantum")).one()
    year_end = date(world.now.year + 1, 12, 31)
    made = world.now - timedelta(days=60)
    rows = (
        ("inaho-ventures", "Partnership agreement, article 12: no business related to weapons.", None),
        ("sagano-university", "Terms of two research awards: no military use.", year_end),
        ("campus-gap-fund", "Side letter of a partner.", year_end),
    )
    for slug, reason, ends_on in rows:
        award = slug == "sagano-university"
        db.session.add(
            Exclusion(
                organization_id=named[slug].id,
                weapons_related=True,
                ground=ExclusionGround.RESEARCH_AWARD if award else ExclusionGround.LP_AGREEMENT,
                reason=reason,
                ends_on=ends_on,
                created_at=made,
            )
        )
    competitors = (("hayabusa-robotics", "granite-peak-robotics"), ("hoshizora-optics", "tern-satellite"))
    for slug, other in competitors:
        db.session.add(
            Exclusion(
                organization_id=named[slug].id,
                other_id=named[other].id,
                ground=ExclusionGround.COMPETITOR,
                reason="",
                created_at=made,
            )
        )
    db.session.add(
        Exclusion(
            organization_id=named["hayabusa-robotics"].id,
            kind=Kind.PRIME,
            ground=ExclusionGround.OTHER,
            reason="資金調達の交渉中",
            ends_on=(world.now - timedelta(days=10)).date(),
            created_at=made,
        )
    )
    db.session.add(
        Exclusion(
            organization_id=named["kitanomaru-capital"].id,
            area_id=quantum.id,
            ground=ExclusionGround.COMPETITOR,
            reason="投資先との競合",
            created_at=made,
        )
    )
    db.session.flush()


def by_taste(pairs: Sequence[tuple[Registration, Registration]]) -> list[tuple[Registration, Registration]]:
    """The pairs (asker, host) in the order in which people ask: everybody's first choice, second, third.

    People choose hosts who work in their areas, hosts of name, and otherwise by chance, which stands for
    all that no forum knows. Repeatable.
    """
    choices: dict[int, list[tuple[float, int, tuple[Registration, Registration]]]] = defaultdict(list)
    for number, (asker, host) in enumerate(pairs):
        mine, theirs = asker.organization, host.organization
        shared = (
            {area.code for area in mine.areas} & {a.code for a in theirs.areas} if mine and theirs else ()
        )
        famous = theirs is not None and theirs.slug in FAMOUS
        digest = hashlib.sha256(f"{asker.email} {host.email}".encode()).digest()
        chance = int.from_bytes(digest[:4]) / 2**32
        taste = len(shared) + 0.7 * famous + 1.5 * chance
        choices[asker.id].append((-taste, number, (asker, host)))
    for rows in choices.values():
        rows.sort()
    longest = max(map(len, choices.values()), default=0)
    return [rows[turn][2] for turn in range(longest) for rows in choices.values() if turn < len(rows)]
