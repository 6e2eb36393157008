"""calendar changes

Revision ID: 0009
Revises: 0008

Triggers note what changes in the tables that feeds are made of (calendars/watch.py tells what for). They
name all columns of a table but those left out here. A later migration that makes such a table anew (as
batch_alter_table does on SQLite) has to make its triggers anew too; a test fails if it does not, and the
application asks at its start.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

SECONDS = "CAST(strftime('%s', 'now') AS INTEGER)"
# By table: what is named, by the column whose value names it.
WATCHED = {
    "accounts_user": {"user": "id"},
    "agenda_bookmark": {"user": "user_id"},
    "agenda_item": {"event": "event_id"},
    "agenda_speaker": {"user": "user_id", "event": "event_id"},
    "agenda_version": {"event": "event_id"},
    "calendars_feed_token": {"address": "id"},
    "events_event": {"event": "id"},
    "events_role_grant": {"user": "user_id"},
    "events_room": {"event": "event_id"},
    "events_track": {"event": "event_id"},
    "meetings_interpreter": {"event": "event_id"},
    "meetings_meeting": {"meeting": "id"},
    "meetings_participant": {"meeting": "meeting_id", "company": "registration_id"},
    "meetings_table": {"event": "event_id"},
    "organizations_membership": {"user": "user_id"},
    "organizations_organization": {"organization": "id"},
    "registration_registration": {"registration": "id", "user": "user_id", "mail": "email_key"},
}
# Updates of these columns only; of all columns elsewhere. Drafts and uses concern no feed.
ONLY = {
    "agenda_item": ("id", "event_id"),
    "calendars_feed_token": (
        "id", "user_id", "token_hash", "label", "locale", "scope", "event_id", "track_id", "room_id",
        "organization_id", "table_id", "interpreter_id", "reminder_minutes", "created_at", "revoked_at",
    ),
}  # fmt: skip


def _sqlite(table: str, change: str) -> str:
    rows = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}[change]
    named = " || char(10) || ".join(
        f"'{what}:' || coalesce({row}.{column}, '')"
        for row in rows
        for what, column in WATCHED[table].items()
    )
    of = f" OF {', '.join(ONLY[table])}" if change == "UPDATE" and table in ONLY else ""
    body = f"INSERT INTO calendars_change (named, noted_at) VALUES ({named}, {SECONDS})"  # noqa: S608 - our own
    return (
        f"CREATE TRIGGER calendars_note_{table}_{change.lower()} AFTER {change}{of} ON {table}"
        f" BEGIN {body}; END"
    )


def _postgresql(table: str) -> tuple[str, str]:
    def named(row: str) -> str:
        return ", ".join(f"'{what}:' || {row}.{column}" for what, column in WATCHED[table].items())

    collect = (
        f"IF TG_OP = 'INSERT' THEN named := concat_ws(chr(10), {named('NEW')});"
        f" ELSIF TG_OP = 'DELETE' THEN named := concat_ws(chr(10), {named('OLD')});"
        f" ELSE named := concat_ws(chr(10), {named('OLD')}, {named('NEW')}); END IF;"
    )
    note = (
        "INSERT INTO calendars_change (named, noted_at, transaction_id) VALUES"
        " (named, extract(epoch FROM clock_timestamp())::bigint, pg_current_xact_id()::text::bigint);"
    )
    function = (
        f"CREATE FUNCTION calendars_note_{table}() RETURNS trigger AS"
        f" $$ DECLARE named text; BEGIN {collect} {note} RETURN NULL; END; $$ LANGUAGE plpgsql"
    )
    of = f" OF {', '.join(ONLY[table])}" if table in ONLY else ""
    trigger = (
        f"CREATE TRIGGER calendars_note_{table} AFTER INSERT OR UPDATE{of} OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION calendars_note_{table}()"
    )
    return function, trigger


def upgrade() -> None:
    op.create_table(
        "calendars_change",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("named", sa.Text(), nullable=False),
        sa.Column("noted_at", INTEGER, nullable=False),
        sa.Column("transaction_id", INTEGER, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_calendars_change"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_calendars_change_transaction_id",
        "calendars_change",
        ["transaction_id"],
        sqlite_where=sa.text("transaction_id IS NOT NULL"),
    )
    for table in WATCHED:
        if op.get_bind().dialect.name == "postgresql":
            for statement in _postgresql(table):
                op.execute(statement)
        else:
            for change in ("INSERT", "UPDATE", "DELETE"):
                op.execute(_sqlite(table, change))


def downgrade() -> None:
    for table in WATCHED:
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP TRIGGER calendars_note_{table} ON {table}")
            op.execute(f"DROP FUNCTION calendars_note_{table}()")
        else:
            for change in ("insert", "update", "delete"):
                op.execute(f"DROP TRIGGER calendars_note_{table}_{change}")
    op.drop_table("calendars_change")
