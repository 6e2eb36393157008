"""publishing a large schedule is the worker's part

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("timetable_run") as table:
        table.add_column(sa.Column("publish_asked_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("publish_asked_by_id", INTEGER, nullable=True))
        table.add_column(
            sa.Column("publish_failure", sa.String(length=500), nullable=False, server_default="")
        )
        table.create_foreign_key(
            "fk_timetable_run_publish_asked_by_id",
            "accounts_user",
            ["publish_asked_by_id"],
            ["id"],
            ondelete="SET NULL",
        )


def downgrade() -> None:
    with op.batch_alter_table("timetable_run") as table:
        table.drop_constraint("fk_timetable_run_publish_asked_by_id", type_="foreignkey")
        table.drop_column("publish_failure")
        table.drop_column("publish_asked_by_id")
        table.drop_column("publish_asked_at")
