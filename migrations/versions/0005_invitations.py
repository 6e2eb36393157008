"""invitations

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for column in (
        sa.Column("calendar", sa.Text(), nullable=True),
        sa.Column("calendar_method", sa.String(length=20), nullable=True),
        sa.Column("sender_address", sa.String(length=320), nullable=True),
        sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bounce_reason", sa.String(length=500), nullable=True),
    ):
        op.add_column("mail_outbox", column)

    op.create_table(
        "mail_mailbox",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("uidvalidity", INTEGER, nullable=False),
        sa.Column("last_uid", INTEGER, nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mail_mailbox")),
    )
    op.create_table(
        "mail_received",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_received")),
        sa.UniqueConstraint("digest", name=op.f("uq_mail_received_digest")),
    )
    with op.batch_alter_table("mail_received", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mail_received_received_at"), ["received_at"], unique=False)

    op.create_table(
        "invitations_refusal",
        sa.Column("user_id", INTEGER, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["accounts_user.id"], name=op.f("fk_invitations_refusal_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_invitations_refusal")),
    )
    op.create_table(
        "invitations_pass",
        sa.Column("event_id", INTEGER, nullable=False),
        sa.Column("seen", sa.String(length=64), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events_event.id"], name=op.f("fk_invitations_pass_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_invitations_pass")),
    )
    op.create_table(
        "invitations_invitation",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("user_id", INTEGER, nullable=False),
        sa.Column("event_id", INTEGER, nullable=False),
        sa.Column("uid", sa.String(length=255), nullable=False),
        sa.Column("meeting_id", INTEGER, nullable=True),
        sa.Column("item_id", INTEGER, nullable=True),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("secret", sa.String(length=40), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("sequence", INTEGER, nullable=False),
        sa.Column("stamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("summary", sa.String(length=1000), nullable=False),
        sa.Column("placed", sa.String(length=64), nullable=False),
        sa.Column("shown", sa.String(length=64), nullable=False),
        sa.Column(
            "participation",
            sa.Enum(
                "NEEDS_ACTION",
                "ACCEPTED",
                "DECLINED",
                "TENTATIVE",
                "DELEGATED",
                name="participation",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_stamp", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", INTEGER, nullable=False),
        sa.CheckConstraint("sequence >= 0", name=op.f("ck_invitations_invitation_sequence")),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events_event.id"],
            name=op.f("fk_invitations_invitation_event_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["meeting_id"],
            ["meetings_meeting.id"],
            name=op.f("fk_invitations_invitation_meeting_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["accounts_user.id"],
            name=op.f("fk_invitations_invitation_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations_invitation")),
        sa.UniqueConstraint("secret", name=op.f("uq_invitations_invitation_secret")),
        sa.UniqueConstraint("user_id", "uid", name=op.f("uq_invitations_invitation_user_id_uid")),
    )
    with op.batch_alter_table("invitations_invitation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_invitations_invitation_event_id_method"), ["event_id", "method"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_invitations_invitation_item_id"), ["item_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_invitations_invitation_meeting_id"), ["meeting_id"], unique=False
        )

    op.create_table(
        "invitations_note",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("invitation_id", INTEGER, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "COMMENT",
                "DECLINED",
                "COUNTER",
                "DELEGATED",
                "OTHER",
                name="notekind",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["invitations_invitation.id"],
            name=op.f("fk_invitations_note_invitation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations_note")),
    )
    with op.batch_alter_table("invitations_note", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_invitations_note_invitation_id"), ["invitation_id"], unique=False
        )


def downgrade() -> None:
    for table in (
        "invitations_note",
        "invitations_invitation",
        "invitations_pass",
        "invitations_refusal",
        "mail_received",
        "mail_mailbox",
    ):
        op.drop_table(table)
    for name in ("bounce_reason", "bounced_at", "sender_address", "calendar_method", "calendar"):
        op.drop_column("mail_outbox", name)
