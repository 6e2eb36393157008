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


def upgrade() -> None:
    for column in (
        sa.Column("calendar", sa.Text(), nullable=False, server_default=""),
        sa.Column("calendar_method", sa.String(length=20), nullable=False, server_default=""),
        sa.Column("sender_address", sa.String(length=320), nullable=False, server_default=""),
        sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bounce_reason", sa.String(length=500), nullable=False, server_default=""),
    ):
        op.add_column("mail_outbox", column)


def downgrade() -> None:
    for name in ("bounce_reason", "bounced_at", "sender_address", "calendar_method", "calendar"):
        op.drop_column("mail_outbox", name)
