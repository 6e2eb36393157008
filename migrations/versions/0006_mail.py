"""mail

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("mail_outbox", sa.Column("event_id", INTEGER, nullable=True))
    op.add_column("mail_outbox", sa.Column("thread", sa.String(length=255), nullable=True))
    op.add_column("mail_outbox", sa.Column("reply_to", sa.String(length=320), nullable=True))
    op.add_column("mail_outbox", sa.Column("listed", sa.String(length=40), nullable=True))
    # nobody knows of the mails that are there already, so they count as such
    op.add_column("mail_outbox", sa.Column("secret", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("mail_outbox", sa.Column("useless_after", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mail_outbox", sa.Column("facts", sa.JSON(), nullable=True))
    op.create_index("ix_mail_outbox_event_id_created_at", "mail_outbox", ["event_id", "created_at"])

    op.create_table(
        "mail_change",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("address_key", sa.String(length=320), nullable=False),
        sa.Column("to_address", sa.String(length=320), nullable=False),
        sa.Column("to_name", sa.String(length=400), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("event_id", INTEGER, nullable=True),
        sa.Column("group_title", sa.String(length=500), nullable=False),
        sa.Column("topic", sa.String(length=255), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=500), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("thread", sa.String(length=255), nullable=True),
        sa.Column("secret", sa.Boolean(), nullable=False),
        sa.Column("urgent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mail_change"),
    )
    op.create_index("ix_mail_change_due_at", "mail_change", ["due_at"])
    op.create_index("ix_mail_change_address_key_event_id", "mail_change", ["address_key", "event_id"])

    op.create_table(
        "mail_preference",
        sa.Column("address_key", sa.String(length=320), nullable=False),
        sa.Column("off", sa.JSON(), nullable=False),
        sa.Column("quiet_from", INTEGER, nullable=False),
        sa.Column("quiet_until", INTEGER, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address_key", name="pk_mail_preference"),
    )

    op.create_table(
        "mail_minute",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("minute", name="pk_mail_minute"),
    )

    op.create_table(
        "reminders_choice",
        sa.Column("user_id", INTEGER, nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["accounts_user.id"], name="fk_reminders_choice_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_reminders_choice"),
    )

    op.create_table(
        "reminders_sent",
        sa.Column("user_id", INTEGER, nullable=False),
        sa.Column(
            "subject",
            sa.Enum("EVENT", "MEETING", "ITEM", name="subject", native_enum=False, length=10),
            nullable=False,
        ),
        sa.Column("subject_id", INTEGER, nullable=False),
        sa.Column(
            "lead",
            sa.Enum("WEEK", "DAY", "HOUR", name="lead", native_enum=False, length=10),
            nullable=False,
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["accounts_user.id"], name="fk_reminders_sent_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "user_id", "subject", "subject_id", "lead", "starts_at", name="pk_reminders_sent"
        ),
    )
    op.create_index("ix_reminders_sent_starts_at", "reminders_sent", ["starts_at"])


def downgrade() -> None:
    for table in ("reminders_sent", "reminders_choice", "mail_minute", "mail_preference", "mail_change"):
        op.drop_table(table)
    op.execute("UPDATE mail_outbox SET state = 'FAILED' WHERE state = 'DROPPED'")
    op.drop_index("ix_mail_outbox_event_id_created_at", "mail_outbox")
    with op.batch_alter_table("mail_outbox", schema=None) as batch_op:
        for name in ("facts", "useless_after", "secret", "listed", "reply_to", "thread", "event_id"):
            batch_op.drop_column(name)
