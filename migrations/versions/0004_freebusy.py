"""freebusy

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "freebusy_calendar",
        sa.Column("id", Key, nullable=False),
        sa.Column("registration_id", Key, nullable=False),
        sa.Column(
            "kind",
            sa.Enum("UPLOAD", "SUBSCRIPTION", name="kind", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("address", sa.String(length=2000), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", Key, nullable=False),
        sa.Column("problem", sa.String(length=300), nullable=False),
        sa.Column("problem_params", sa.JSON(), nullable=False),
        sa.Column("cut", sa.String(length=300), nullable=False),
        sa.Column("cut_params", sa.JSON(), nullable=False),
        sa.Column("etag", sa.String(length=200), nullable=False),
        sa.Column("modified", sa.String(length=200), nullable=False),
        sa.CheckConstraint(
            "(kind = 'SUBSCRIPTION') = (address <> '')",
            name=op.f("ck_freebusy_calendar_address_of_subscription"),
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration_registration.id"],
            name=op.f("fk_freebusy_calendar_registration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freebusy_calendar")),
    )
    op.create_index(op.f("ix_freebusy_calendar_registration_id"), "freebusy_calendar", ["registration_id"])
    op.create_index("ix_freebusy_calendar_next_read_at", "freebusy_calendar", ["next_read_at"])
    op.create_table(
        "freebusy_busy",
        sa.Column("id", Key, nullable=False),
        sa.Column("calendar_id", Key, nullable=False),
        sa.Column("registration_id", Key, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_freebusy_busy_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["freebusy_calendar.id"],
            name=op.f("fk_freebusy_busy_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration_registration.id"],
            name=op.f("fk_freebusy_busy_registration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freebusy_busy")),
    )
    op.create_index(op.f("ix_freebusy_busy_calendar_id"), "freebusy_busy", ["calendar_id"])
    op.create_index(
        "ix_freebusy_busy_registration_id_starts_at", "freebusy_busy", ["registration_id", "starts_at"]
    )


def downgrade() -> None:
    op.drop_table("freebusy_busy")
    op.drop_table("freebusy_calendar")
