"""calendar feeds

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SUBJECTS = {
    "event_id": "events_event",
    "track_id": "events_track",
    "room_id": "events_room",
    "organization_id": "organizations_organization",
    "table_id": "meetings_table",
    "interpreter_id": "meetings_interpreter",
}
CHECKS = {
    "one_subject": "(CASE WHEN track_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN room_id IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN organization_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN table_id IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN interpreter_id IS NULL THEN 0 ELSE 1 END)"
    " = (CASE WHEN scope IN ('PERSON', 'EVENT') THEN 0 ELSE 1 END)",
    "event_of_its_subject": "(event_id IS NULL) = (scope IN ('PERSON', 'ORGANIZATION'))",
    "reminder_minutes": "reminder_minutes IS NULL OR reminder_minutes BETWEEN 0 AND 10080",
}


def upgrade() -> None:
    scopes = ("PERSON", "EVENT", "TRACK", "ROOM", "ORGANIZATION", "TABLE", "INTERPRETER")
    scope = sa.Enum(*scopes, name="feedscope", native_enum=False, length=20)
    with op.batch_alter_table("calendars_feed_token", schema=None) as batch_op:
        # all addresses so far are those of persons
        batch_op.add_column(sa.Column("scope", scope, nullable=False, server_default="PERSON"))
        batch_op.add_column(sa.Column("reminder_minutes", KEY, nullable=True))
        for column in SUBJECTS:
            batch_op.add_column(sa.Column(column, KEY, nullable=True))
    with op.batch_alter_table("calendars_feed_token", schema=None) as batch_op:
        batch_op.alter_column("scope", existing_type=scope, existing_nullable=False, server_default=None)
        for name, condition in CHECKS.items():
            batch_op.create_check_constraint(batch_op.f(f"ck_calendars_feed_token_{name}"), condition)
        for column, table in SUBJECTS.items():
            batch_op.create_foreign_key(
                batch_op.f(f"fk_calendars_feed_token_{column}"), table, [column], ["id"], ondelete="CASCADE"
            )
            batch_op.create_index(batch_op.f(f"ix_calendars_feed_token_{column}"), [column], unique=False)

    op.create_table(
        "calendars_shown",
        sa.Column("id", KEY, nullable=False),
        sa.Column("token_id", KEY, nullable=True),
        sa.Column("event_id", KEY, nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.CheckConstraint(
            "(token_id IS NULL) <> (event_id IS NULL)", name=op.f("ck_calendars_shown_one_feed")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events_event.id"], name=op.f("fk_calendars_shown_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["token_id"],
            ["calendars_feed_token.id"],
            name=op.f("fk_calendars_shown_token_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendars_shown")),
    )
    with op.batch_alter_table("calendars_shown", schema=None) as batch_op:
        batch_op.create_index("uq_calendars_shown_event_id", ["event_id"], unique=True)
        batch_op.create_index("uq_calendars_shown_token_id", ["token_id"], unique=True)


def downgrade() -> None:
    op.drop_table("calendars_shown")
    # an address of anything but a person would show that person's own calendar
    op.execute("DELETE FROM calendars_feed_token WHERE scope <> 'PERSON'")
    with op.batch_alter_table("calendars_feed_token", schema=None) as batch_op:
        for column in SUBJECTS:
            batch_op.drop_index(batch_op.f(f"ix_calendars_feed_token_{column}"))
            batch_op.drop_constraint(batch_op.f(f"fk_calendars_feed_token_{column}"), type_="foreignkey")
        for name in CHECKS:
            batch_op.drop_constraint(batch_op.f(f"ck_calendars_feed_token_{name}"), type_="check")
    with op.batch_alter_table("calendars_feed_token", schema=None) as batch_op:
        for column in (*SUBJECTS, "reminder_minutes", "scope"):
            batch_op.drop_column(column)
