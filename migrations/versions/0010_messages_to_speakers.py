"""messages to speakers without a registration

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("messages_recipient") as table:
        table.add_column(sa.Column("speaker_id", INTEGER, nullable=True))
        table.create_foreign_key(
            "fk_messages_recipient_speaker_id",
            "agenda_speaker",
            ["speaker_id"],
            ["id"],
            ondelete="SET NULL",
        )
        table.create_index("ix_messages_recipient_speaker_id", ["speaker_id"])


def downgrade() -> None:
    with op.batch_alter_table("messages_recipient") as table:
        table.drop_index("ix_messages_recipient_speaker_id")
        table.drop_constraint("fk_messages_recipient_speaker_id", type_="foreignkey")
        table.drop_column("speaker_id")
