"""meetings from interest to outcome

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _index_open_requests(*states: str) -> None:
    """One open request per pair; Alembic does not see that the condition of an index changes."""
    op.drop_index("uq_meetings_request_open", "meetings_request")
    where = sa.text("state IN (" + ", ".join(f"'{state}'" for state in states) + ")")
    op.create_index(
        "uq_meetings_request_open",
        "meetings_request",
        ["asker_id", "host_id"],
        unique=True,
        sqlite_where=where,
        postgresql_where=where,
    )


def upgrade() -> None:
    op.create_table(
        "organizations_exclusion",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("other_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "STARTUP",
                "AGENCY",
                "GOVERNMENT_INVESTOR",
                "VENTURE_CAPITAL",
                "PRIME",
                "UNIVERSITY",
                "ASSOCIATION",
                "FACILITATOR",
                "PRESS",
                "OTHER",
                name="kind",
                native_enum=False,
                length=30,
            ),
            nullable=True,
        ),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("weapons_related", sa.Boolean(), nullable=False),
        sa.Column(
            "ground",
            sa.Enum(
                "LP_AGREEMENT",
                "RESEARCH_AWARD",
                "COMPETITOR",
                "OTHER",
                name="exclusionground",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "(CASE WHEN other_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN kind IS NULL THEN 0 ELSE 1 END) + (CASE WHEN area_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN weapons_related THEN 1 ELSE 0 END) = 1",
            name=op.f("ck_organizations_exclusion_one_target"),
        ),
        sa.CheckConstraint(
            "other_id IS NULL OR other_id <> organization_id",
            name=op.f("ck_organizations_exclusion_two_organizations"),
        ),
        sa.ForeignKeyConstraint(
            ["area_id"],
            ["organizations_area.id"],
            name=op.f("fk_organizations_exclusion_area_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["accounts_user.id"],
            name=op.f("fk_organizations_exclusion_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations_organization.id"],
            name=op.f("fk_organizations_exclusion_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["other_id"],
            ["organizations_organization.id"],
            name=op.f("fk_organizations_exclusion_other_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations_exclusion")),
    )
    with op.batch_alter_table("organizations_exclusion", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_organizations_exclusion_area_id"), ["area_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_organizations_exclusion_organization_id"), ["organization_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_organizations_exclusion_other_id"), ["other_id"], unique=False)

    op.create_table(
        "meetings_kind_bar",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "one",
            sa.Enum(
                "STARTUP",
                "AGENCY",
                "GOVERNMENT_INVESTOR",
                "VENTURE_CAPITAL",
                "PRIME",
                "UNIVERSITY",
                "ASSOCIATION",
                "FACILITATOR",
                "PRESS",
                "OTHER",
                name="kind",
                native_enum=False,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column(
            "other",
            sa.Enum(
                "STARTUP",
                "AGENCY",
                "GOVERNMENT_INVESTOR",
                "VENTURE_CAPITAL",
                "PRIME",
                "UNIVERSITY",
                "ASSOCIATION",
                "FACILITATOR",
                "PRESS",
                "OTHER",
                name="kind",
                native_enum=False,
                length=30,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events_event.id"], name=op.f("fk_meetings_kind_bar_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meetings_kind_bar")),
        sa.UniqueConstraint("event_id", "one", "other", name=op.f("uq_meetings_kind_bar_event_id_one_other")),
    )
    op.create_table(
        "meetings_kind_limit",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "STARTUP",
                "AGENCY",
                "GOVERNMENT_INVESTOR",
                "VENTURE_CAPITAL",
                "PRIME",
                "UNIVERSITY",
                "ASSOCIATION",
                "FACILITATOR",
                "PRESS",
                "OTHER",
                name="kind",
                native_enum=False,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("most_requests", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("most_meetings", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("least_meetings", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "least_meetings IS NULL OR least_meetings BETWEEN 0 AND 200",
            name=op.f("ck_meetings_kind_limit_least_meetings"),
        ),
        sa.CheckConstraint(
            "most_meetings IS NULL OR most_meetings BETWEEN 0 AND 200",
            name=op.f("ck_meetings_kind_limit_most_meetings"),
        ),
        sa.CheckConstraint(
            "most_requests IS NULL OR most_requests BETWEEN 0 AND 200",
            name=op.f("ck_meetings_kind_limit_most_requests"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events_event.id"],
            name=op.f("fk_meetings_kind_limit_event_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "kind", name=op.f("pk_meetings_kind_limit")),
    )
    op.create_table(
        "meetings_settings",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("interest_closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_days", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("walk_minutes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("request_days BETWEEN 1 AND 60", name=op.f("ck_meetings_settings_request_days")),
        sa.CheckConstraint("walk_minutes BETWEEN 0 AND 120", name=op.f("ck_meetings_settings_walk_minutes")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events_event.id"], name=op.f("fk_meetings_settings_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_meetings_settings")),
    )
    op.create_table(
        "meetings_stretch",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slot_minutes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("gap_minutes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_meetings_stretch_ends_after_start")),
        sa.CheckConstraint(
            "gap_minutes BETWEEN 0 AND 60 AND gap_minutes % 5 = 0",
            name=op.f("ck_meetings_stretch_gap_minutes"),
        ),
        sa.CheckConstraint(
            "slot_minutes BETWEEN 10 AND 120 AND slot_minutes % 5 = 0",
            name=op.f("ck_meetings_stretch_slot_minutes"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events_event.id"], name=op.f("fk_meetings_stretch_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meetings_stretch")),
        sa.UniqueConstraint("event_id", "starts_at", name=op.f("uq_meetings_stretch_event_id_starts_at")),
    )
    op.create_table(
        "timetable_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "QUEUED",
                "RUNNING",
                "DONE",
                "STOPPED",
                "INTERRUPTED",
                "FAILED",
                name="runstate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("started_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("seed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("time_limit", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stop_requested", sa.Boolean(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("input_digest", sa.String(length=64), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("requested", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("placed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("placed_weight", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("weight_bound", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("breaks", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("breaks_bound", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("idle_slots", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("moved", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("phase", sa.String(length=60), nullable=False),
        sa.Column("failure", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("time_limit BETWEEN 1 AND 3600", name=op.f("ck_timetable_run_time_limit")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events_event.id"], name=op.f("fk_timetable_run_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["published_by_id"],
            ["accounts_user.id"],
            name=op.f("fk_timetable_run_published_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["started_by_id"],
            ["accounts_user.id"],
            name=op.f("fk_timetable_run_started_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timetable_run")),
    )
    with op.batch_alter_table("timetable_run", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_timetable_run_event_id_created_at"), ["event_id", "created_at"], unique=False
        )
        batch_op.create_index(
            "uq_timetable_run_active",
            ["event_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('QUEUED', 'RUNNING')"),
            postgresql_where=sa.text("state IN ('QUEUED', 'RUNNING')"),
        )

    op.create_table(
        "meetings_interpreter_hours",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("interpreter_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "ends_at > starts_at", name=op.f("ck_meetings_interpreter_hours_ends_after_start")
        ),
        sa.ForeignKeyConstraint(
            ["interpreter_id"],
            ["meetings_interpreter.id"],
            name=op.f("fk_meetings_interpreter_hours_interpreter_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meetings_interpreter_hours")),
    )
    with op.batch_alter_table("meetings_interpreter_hours", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_meetings_interpreter_hours_interpreter_id"), ["interpreter_id"], unique=False
        )

    op.create_table(
        "meetings_absence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("registration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_meetings_absence_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration_registration.id"],
            name=op.f("fk_meetings_absence_registration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meetings_absence")),
    )
    with op.batch_alter_table("meetings_absence", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_meetings_absence_registration_id"), ["registration_id"], unique=False
        )

    op.create_table(
        "meetings_no_thanks",
        sa.Column("registration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("other_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("registration_id <> other_id", name=op.f("ck_meetings_no_thanks_two_people")),
        sa.ForeignKeyConstraint(
            ["other_id"],
            ["registration_registration.id"],
            name=op.f("fk_meetings_no_thanks_other_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration_registration.id"],
            name=op.f("fk_meetings_no_thanks_registration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("registration_id", "other_id", name=op.f("pk_meetings_no_thanks")),
    )
    with op.batch_alter_table("meetings_no_thanks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_meetings_no_thanks_other_id"), ["other_id"], unique=False)

    op.create_table(
        "meetings_profile",
        sa.Column("registration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("wishes_en", sa.Text(), nullable=False),
        sa.Column("wishes_ja", sa.Text(), nullable=False),
        sa.Column("most_meetings", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("link", sa.String(length=500), nullable=False),
        sa.Column("needs_statement", sa.Boolean(), nullable=False),
        sa.Column("needs_clearance", sa.Boolean(), nullable=False),
        sa.Column("closed_room", sa.Boolean(), nullable=False),
        sa.Column("export_statement", sa.String(length=1000), nullable=False),
        sa.Column("export_stated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(export_statement = '') = (export_stated_at IS NULL)", name=op.f("ck_meetings_profile_statement")
        ),
        sa.CheckConstraint(
            "most_meetings IS NULL OR most_meetings BETWEEN 0 AND 200",
            name=op.f("ck_meetings_profile_most_meetings"),
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration_registration.id"],
            name=op.f("fk_meetings_profile_registration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("registration_id", name=op.f("pk_meetings_profile")),
    )
    op.create_table(
        "meetings_table_hours",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("table_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_meetings_table_hours_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["table_id"],
            ["meetings_table.id"],
            name=op.f("fk_meetings_table_hours_table_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meetings_table_hours")),
    )
    with op.batch_alter_table("meetings_table_hours", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_meetings_table_hours_table_id"), ["table_id"], unique=False)

    op.create_table(
        "meetings_profile_area",
        sa.Column("registration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["area_id"],
            ["organizations_area.id"],
            name=op.f("fk_meetings_profile_area_area_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["meetings_profile.registration_id"],
            name=op.f("fk_meetings_profile_area_registration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("registration_id", "area_id", name=op.f("pk_meetings_profile_area")),
    )
    with op.batch_alter_table("meetings_profile_area", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_meetings_profile_area_area_id"), ["area_id"], unique=False)

    op.create_table(
        "floor_offer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("freed_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("table_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("interpreter_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "state",
            sa.Enum("OPEN", "TAKEN", "DECLINED", "LAPSED", name="offerstate", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("asker_took_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("host_took_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_floor_offer_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events_event.id"], name=op.f("fk_floor_offer_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["freed_id"], ["meetings_meeting.id"], name=op.f("fk_floor_offer_freed_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["interpreter_id"],
            ["meetings_interpreter.id"],
            name=op.f("fk_floor_offer_interpreter_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["meetings_request.id"],
            name=op.f("fk_floor_offer_request_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["table_id"], ["meetings_table.id"], name=op.f("fk_floor_offer_table_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_floor_offer")),
    )
    with op.batch_alter_table("floor_offer", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_floor_offer_event_id_state"), ["event_id", "state"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_floor_offer_interpreter_id"), ["interpreter_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_floor_offer_table_id"), ["table_id"], unique=False)
        batch_op.create_index(
            "uq_floor_offer_freed",
            ["freed_id"],
            unique=True,
            sqlite_where=sa.text("state = 'OPEN'"),
            postgresql_where=sa.text("state = 'OPEN'"),
        )
        batch_op.create_index(
            "uq_floor_offer_request",
            ["request_id"],
            unique=True,
            sqlite_where=sa.text("state = 'OPEN'"),
            postgresql_where=sa.text("state = 'OPEN'"),
        )

    op.create_table(
        "outcomes_outcome",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("meeting_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("registration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "wish",
            sa.Enum(
                "NONE", "FOLLOW_UP", "SAMPLE_OR_TEST", "PATHWAY", name="wish", native_enum=False, length=20
            ),
            nullable=False,
        ),
        sa.Column(
            "pathway",
            sa.Enum(
                "FCT",
                "DIU",
                "IQT",
                "SBIR_JAPAN",
                "J_STARX",
                "PRIZE",
                "NEGOTIATED",
                name="pathway",
                native_enum=False,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("next_step", sa.String(length=500), nullable=False),
        sa.Column("next_step_on", sa.Date(), nullable=True),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["meeting_id"],
            ["meetings_meeting.id"],
            name=op.f("fk_outcomes_outcome_meeting_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration_registration.id"],
            name=op.f("fk_outcomes_outcome_registration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes_outcome")),
        sa.UniqueConstraint(
            "meeting_id", "registration_id", name=op.f("uq_outcomes_outcome_meeting_id_registration_id")
        ),
    )
    with op.batch_alter_table("outcomes_outcome", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_outcomes_outcome_registration_id"), ["registration_id"], unique=False
        )

    op.add_column(
        "events_room", sa.Column("building", sa.String(length=100), nullable=False, server_default="")
    )

    with op.batch_alter_table("meetings_interpreter", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("cleared_until", sa.Date(), nullable=True))
        batch_op.add_column(
            sa.Column("most_run_minutes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.alter_column(
            "languages",
            existing_type=sa.VARCHAR(length=20),
            type_=sa.String(length=60),
            existing_nullable=False,
        )
        batch_op.create_index(batch_op.f("ix_meetings_interpreter_user_id"), ["user_id"], unique=False)
        batch_op.create_unique_constraint(
            batch_op.f("uq_meetings_interpreter_event_id_user_id"), ["event_id", "user_id"]
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_meetings_interpreter_most_run"),
            "most_run_minutes IS NULL OR most_run_minutes >= 10",
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_meetings_interpreter_user_id"),
            "accounts_user",
            ["user_id"],
            ["id"],
            ondelete="SET NULL",
        )

    op.add_column(
        "meetings_meeting",
        sa.Column(
            "format",
            sa.Enum("IN_PERSON", "REMOTE", name="meetingformat", native_enum=False, length=20),
            nullable=False,
            server_default="IN_PERSON",
        ),
    )
    op.add_column(
        "meetings_meeting", sa.Column("link", sa.String(length=500), nullable=False, server_default="")
    )
    op.add_column(
        "meetings_meeting", sa.Column("closed", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "meetings_meeting", sa.Column("pinned", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "meetings_meeting",
        sa.Column(
            "origin",
            sa.Enum(
                "DIRECT",
                "SCHEDULE",
                "ORGANIZER",
                "REFILL",
                name="meetingorigin",
                native_enum=False,
                length=20,
            ),
            nullable=False,
            server_default="DIRECT",
        ),
    )

    op.add_column(
        "meetings_office_hours", sa.Column("direct", sa.Boolean(), nullable=False, server_default=sa.false())
    )

    op.add_column("meetings_participant", sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("meetings_participant", sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True))

    op.add_column(
        "meetings_request", sa.Column("team", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "meetings_request",
        sa.Column(
            "host_priority",
            sa.Enum("MUST", "WANT", name="priority", native_enum=False, length=20),
            nullable=True,
        ),
    )
    op.add_column(
        "meetings_request",
        sa.Column(
            "format",
            sa.Enum("IN_PERSON", "REMOTE", name="meetingformat", native_enum=False, length=20),
            nullable=False,
            server_default="IN_PERSON",
        ),
    )
    op.add_column("meetings_request", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("meetings_request", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_meetings_request_expires_at"), "meetings_request", ["expires_at"], unique=False)

    with op.batch_alter_table("meetings_table", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "kind",
                sa.Enum("OPEN", "BOOTH", "CLOSED", name="tablekind", native_enum=False, length=10),
                nullable=False,
                server_default="OPEN",
            )
        )
        batch_op.add_column(
            sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_index(batch_op.f("ix_meetings_table_owner_id"), ["owner_id"], unique=False)
        batch_op.create_check_constraint(
            batch_op.f("ck_meetings_table_booth_has_owner"), "(kind = 'BOOTH') = (owner_id IS NOT NULL)"
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_meetings_table_owner_id"), "organizations_organization", ["owner_id"], ["id"]
        )

    op.add_column(
        "organizations_organization",
        sa.Column(
            "stage",
            sa.Enum("IDEA", "PROTOTYPE", "PRODUCT", "REVENUE", name="stage", native_enum=False, length=20),
            nullable=True,
        ),
    )
    op.add_column(
        "organizations_organization",
        sa.Column("weapons_related", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    _index_open_requests("PENDING", "AGREED", "ACCEPTED")


def downgrade() -> None:
    # what the schema before knows no word for
    op.execute("UPDATE meetings_request SET state = 'PENDING' WHERE state = 'AGREED'")
    op.execute("UPDATE meetings_meeting SET status = 'CANCELLED' WHERE status = 'NO_SHOW'")
    op.execute("UPDATE meetings_interpreter SET languages = 'en-ja' WHERE length(languages) > 20")
    _index_open_requests("PENDING", "ACCEPTED")
    op.drop_column("organizations_organization", "weapons_related")
    op.drop_column("organizations_organization", "stage")

    with op.batch_alter_table("meetings_table", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_meetings_table_booth_has_owner"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_meetings_table_owner_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_meetings_table_owner_id"))
        batch_op.drop_column("owner_id")
        batch_op.drop_column("kind")

    op.drop_index(op.f("ix_meetings_request_expires_at"), "meetings_request")
    op.drop_column("meetings_request", "reminded_at")
    op.drop_column("meetings_request", "expires_at")
    op.drop_column("meetings_request", "format")
    op.drop_column("meetings_request", "host_priority")
    op.drop_column("meetings_request", "team")

    op.drop_column("meetings_participant", "missed_at")
    op.drop_column("meetings_participant", "arrived_at")

    op.drop_column("meetings_office_hours", "direct")

    op.drop_column("meetings_meeting", "origin")
    op.drop_column("meetings_meeting", "pinned")
    op.drop_column("meetings_meeting", "closed")
    op.drop_column("meetings_meeting", "link")
    op.drop_column("meetings_meeting", "format")

    with op.batch_alter_table("meetings_interpreter", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_meetings_interpreter_most_run"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_meetings_interpreter_user_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("uq_meetings_interpreter_event_id_user_id"), type_="unique")
        batch_op.drop_index(batch_op.f("ix_meetings_interpreter_user_id"))
        batch_op.alter_column(
            "languages",
            existing_type=sa.String(length=60),
            type_=sa.VARCHAR(length=20),
            existing_nullable=False,
        )
        batch_op.drop_column("most_run_minutes")
        batch_op.drop_column("cleared_until")
        batch_op.drop_column("user_id")

    op.drop_column("events_room", "building")

    with op.batch_alter_table("outcomes_outcome", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outcomes_outcome_registration_id"))

    op.drop_table("outcomes_outcome")
    with op.batch_alter_table("floor_offer", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_floor_offer_request",
            sqlite_where=sa.text("state = 'OPEN'"),
            postgresql_where=sa.text("state = 'OPEN'"),
        )
        batch_op.drop_index(
            "uq_floor_offer_freed",
            sqlite_where=sa.text("state = 'OPEN'"),
            postgresql_where=sa.text("state = 'OPEN'"),
        )
        batch_op.drop_index(batch_op.f("ix_floor_offer_table_id"))
        batch_op.drop_index(batch_op.f("ix_floor_offer_interpreter_id"))
        batch_op.drop_index(batch_op.f("ix_floor_offer_event_id_state"))

    op.drop_table("floor_offer")
    with op.batch_alter_table("meetings_profile_area", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_meetings_profile_area_area_id"))

    op.drop_table("meetings_profile_area")
    with op.batch_alter_table("meetings_table_hours", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_meetings_table_hours_table_id"))

    op.drop_table("meetings_table_hours")
    op.drop_table("meetings_profile")
    with op.batch_alter_table("meetings_no_thanks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_meetings_no_thanks_other_id"))

    op.drop_table("meetings_no_thanks")
    with op.batch_alter_table("meetings_absence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_meetings_absence_registration_id"))

    op.drop_table("meetings_absence")
    with op.batch_alter_table("meetings_interpreter_hours", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_meetings_interpreter_hours_interpreter_id"))

    op.drop_table("meetings_interpreter_hours")
    with op.batch_alter_table("timetable_run", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_timetable_run_active",
            sqlite_where=sa.text("state IN ('QUEUED', 'RUNNING')"),
            postgresql_where=sa.text("state IN ('QUEUED', 'RUNNING')"),
        )
        batch_op.drop_index(batch_op.f("ix_timetable_run_event_id_created_at"))

    op.drop_table("timetable_run")
    op.drop_table("meetings_stretch")
    op.drop_table("meetings_settings")
    op.drop_table("meetings_kind_limit")
    op.drop_table("meetings_kind_bar")
    with op.batch_alter_table("organizations_exclusion", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_organizations_exclusion_other_id"))
        batch_op.drop_index(batch_op.f("ix_organizations_exclusion_organization_id"))
        batch_op.drop_index(batch_op.f("ix_organizations_exclusion_area_id"))

    op.drop_table("organizations_exclusion")
