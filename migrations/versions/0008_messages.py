"""messages

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "messages_message",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("event_id", INTEGER, nullable=False),
        sa.Column("subject_en", sa.String(length=200), nullable=False),
        sa.Column("subject_ja", sa.String(length=200), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("body_ja", sa.Text(), nullable=False),
        sa.Column("recipient_group", sa.JSON(), nullable=False),
        sa.Column("optional", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("DRAFT", "SENDING", "SENT", name="messagestate", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("recipients", INTEGER, nullable=False),
        sa.Column("written_by_id", INTEGER, nullable=True),
        sa.Column("sent_by_id", INTEGER, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("version", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events_event.id"], name="fk_messages_message_event_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["written_by_id"],
            ["accounts_user.id"],
            name="fk_messages_message_written_by_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["sent_by_id"], ["accounts_user.id"], name="fk_messages_message_sent_by_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_messages_message"),
    )
    op.create_index("ix_messages_message_event_id_changed_at", "messages_message", ["event_id", "changed_at"])
    op.create_index("ix_messages_message_state", "messages_message", ["state"])
    op.create_table(
        "messages_recipient",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("message_id", INTEGER, nullable=False),
        sa.Column("registration_id", INTEGER, nullable=True),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column(
            "state",
            sa.Enum("WAITING", "QUEUED", "LEFT", name="recipientstate", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("mail_id", INTEGER, nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages_message.id"],
            name="fk_messages_recipient_message_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration_registration.id"],
            name="fk_messages_recipient_registration_id",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_messages_recipient"),
        sa.UniqueConstraint("message_id", "email_key", name="uq_messages_recipient_message_id_email_key"),
    )
    op.create_index("ix_messages_recipient_message_id_state", "messages_recipient", ["message_id", "state"])
    op.create_index("ix_messages_recipient_registration_id", "messages_recipient", ["registration_id"])
    op.create_table(
        "messages_own_wording",
        sa.Column("event_id", INTEGER, nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("changed_by_id", INTEGER, nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events_event.id"], name="fk_messages_own_wording_event_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["changed_by_id"],
            ["accounts_user.id"],
            name="fk_messages_own_wording_changed_by_id",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("event_id", "kind", "locale", name="pk_messages_own_wording"),
    )
    # read with the event, so that mails of events without own words cost no look-up
    op.add_column(
        "events_event", sa.Column("own_words", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("events_event", "own_words")
    op.drop_table("messages_own_wording")
    op.drop_table("messages_recipient")
    op.drop_table("messages_message")
