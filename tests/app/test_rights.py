"""The application's database role can do what it must and nothing more: entries are never changed, whoever asks."""

import pytest
from sqlalchemy import exc, text

from base import database

ENTRIES = (
    "posting", "statement", "statement_line", "void", "audit", "bill_line", "earn_rule", "expiry_policy", "terms",
    "analysis_run", "quote", "line_event", "line_policy", "extension", "proposal", "decision", "bill_correction", "bill_payment",
    "earn_factor", "member_attribute", "bonus_rule", "bonus", "notice_template", "expiry_notice", "entitlement_rule", "entitlement_use",
    "preference", "opening_lot", "segment_version", "offer", "redemption_step", "goods_step",
    "merchant_step", "merchant_documents", "terms_confirmation",
    "points_pack", "pack_use", "merchant_earning", "earning_reversal",
    "figures_run", "area_sum", "mix_target", "mix_alert", "period_report", "access_review",
    "step_up", "member_device",
    "merchant_item", "payout_step", "payout_run", "payout_run_row", "payout_route", "bank_return",
)  # fmt: skip
NEVER_DELETED = (
    "wallet", "member", "phone", "redemption", "voucher", "acceptance", "idempotency_key", "offer_state", "stock", "seat", "goods_order", "bundle_part",
    "preference", "opening_lot", "segment_version", "offer", "redemption_step",
    "preference", "opening_lot", "segment_version", "cash_event",
    "perk_use", "trial_card_result",
    "preference", "opening_lot", "segment_version", "offer", "redemption_step", "stock_move", "budget", "budget_amount",
    "budget_use",
    "preference", "opening_lot", "segment_version", "webhook_event", "webhook_try",
    "preference", "opening_lot", "segment_version", "offer", "redemption_step", "picture", "endorsement",
)  # fmt: skip
NEVER_DELETED = (
    "wallet", "member", "phone", "redemption", "voucher", "acceptance", "idempotency_key", "offer_state", "offer_count", "stock", "seat",
    "wallet", "member", "phone", "redemption", "voucher", "acceptance", "idempotency_key", "offer_state", "stock", "seat", "event_places",
    "merchant", "outlet", "terminal", "clerk", "invitation", "staff", "programme", "api_key", "import_run", "intake", "intake_job", "intake_mapping", "group_profile",
    "group_contact", "spender", "spent", "expiry_run", "member_merge", "bonus_budget", "bonus_day",
    "notice", "notice_walk", "notice_spend", "entitlement_count", "member_facts", "area", "vault_key", "vault_item", "phone_holder",
    "companion_link", "segment", "segment_member", "segment_run", "cash_part", "voucher_gift",
    "companion_link", "segment", "segment_member", "segment_run", "cash_part",
    "companion_link", "segment", "segment_member", "segment_run", "budget_period", "replay_run", "analysis_run", "analysis_task",
    "companion_link", "segment", "segment_member", "segment_run", "budget_period",
    "companion_link", "segment", "segment_member", "segment_run",
    "webhook_endpoint", "webhook_delivery", "webhook_replay",
    "payout", "payout_route_change", "stripe_account", "stripe_payout", "stripe_event", "recovery",
    "companion_link", "segment", "segment_member", "segment_run", "offer_draft", "campaign",
    "business_day", "wallet_freeze", "member_export", "recovery_code", "staff_sign_in",
)  # fmt: skip
FORBIDDEN = {
    "a table of its own": "create table mine (a int)",
    "a table in another schema": "create table pg_catalog.mine (a int)",
    "a schema": "create schema mine",
    "a column": "alter table posting add column note text",
    "a constraint away": "alter table wallet drop constraint wallet_balance_check",
    "a trigger": "create trigger t before insert on posting for each row execute function suppress_redundant_updates_trigger()",
    "a rule": "create rule r as on insert to posting do instead nothing",
    "an index": "create index on posting (amount)",
    "a table away": "drop table posting",
    "row security off": "alter table posting disable row level security",
    "a function": "create function f() returns int language sql as 'select 1'",
    "an extension": "create extension dblink",
    "a role": "create role mallory",
    "another's role": "set role jifen_owner",
    "the superuser's role": "set role postgres",
    "session of another": "set session authorization jifen_owner",
    "its own rights": "alter role jifen_app superuser",
    "ownership": "alter table posting owner to jifen_app",
    "a program": "copy (select 1) to program 'true'",
    "a program's output": "copy guess (scope) from program 'id'",
    "a file": "copy (select 1) to '/tmp/x'",
    "another file": "select pg_read_file('/etc/passwd')",
    "a folder": "select pg_ls_dir('/')",
    "passwords": "select rolpassword from pg_authid",
    "the shadow": "select passwd from pg_shadow",
    "settings of the server": "alter system set fsync = off",
    "triggers off": "set session_replication_role = replica",
    "a large object from a file": "select lo_import('/etc/passwd')",
    "the schema's version": "update alembic_version set version_num = '0000'",
    "a database": "create database mine",
    "a view": "create view v as select * from wallet",
    "a materialised view": "create materialized view v as select * from wallet",
    "a sequence": "create sequence s",
    "a type": "create type t as (a int)",
    "a domain": "create domain d as int",
    "a cast": "create cast (bigint as text) with inout as implicit",
    "an aggregate": "create aggregate agg(int) (sfunc = int4pl, stype = int)",
    "a procedure": "create procedure p() language sql as 'select 1'",
    "a publication": "create publication p for all tables",
    "a subscription": "create subscription s connection 'host=x' publication p with (connect = false)",
    "an event trigger": "create event trigger e on ddl_command_start execute function f()",
    "a policy": "create policy p on posting using (true)",
    "a rename": "alter table posting rename to old_posting",
    "a column away": "alter table wallet drop column debt",
    "a column's type": "alter table posting alter column amount type text",
    "a check that is not looked at": "alter table wallet add constraint c check (true) not valid",
    "triggers of a table off": "alter table posting disable trigger all",
    "a table elsewhere": "alter table posting set schema pg_temp",
    "a default for others": "alter default privileges for role jifen_owner grant all on tables to public",
    "the owner's things": "reassign owned by jifen_owner to jifen_app",
    "all the owner has": "drop owned by jifen_owner",
    "statistics of others": "select stavalues1 from pg_statistic",
    "a server's log": "select pg_rotate_logfile()",
    "the configuration anew": "select pg_reload_conf()",
    "a backup's begin": "select pg_backup_start('x')",
    "a restore point": "select pg_create_restore_point('x')",
    "a slot of replication": "select pg_create_physical_replication_slot('x')",
    "the log of writes": "select pg_switch_wal()",
    "a file's size": "select pg_stat_file('/etc/passwd')",
    "another backend's end": "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres'",
}


def refused(*statements: str) -> str:
    """The state that the database refuses the last statement with; empty when it does not refuse."""
    connection = database.engine().connect()
    if statements[0].startswith(("create database", "alter system")):  # not inside a transaction
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
    try:
        for statement in statements:
            connection.execute(text(statement))
    except exc.DBAPIError as error:
        return str(getattr(error.orig, "sqlstate", ""))
    finally:
        connection.rollback()
        connection.close()
    return ""


def columns(table: str) -> list[str]:
    with database.begin() as session:
        return list(
            session.scalars(
                text(
                    "select column_name from information_schema.columns where table_name = :t and table_schema = 'public'"
                ),
                {"t": table},
            )
        )


@pytest.mark.parametrize("table", ENTRIES)
@pytest.mark.attack("A20")
def test_an_entry_is_neither_changed_nor_deleted(db, table):
    names = columns(table)
    assert names

    told = {refused(f"update {table} set {name} = {name}") for name in names}
    told |= {refused(f"delete from {table}"), refused(f"truncate {table}")}

    assert told == {"42501"}
    assert refused(f"select * from {table} for update") == "42501"


def test_of_an_acceptance_only_the_void_can_be_written(db):
    told = {name: refused(f"update acceptance set {name} = {name}") for name in columns("acceptance")}

    assert told.pop("void_id") == ""
    assert set(told.values()) == {"42501"}


def test_of_what_was_accepted_in_the_sandbox_only_the_undoing_can_be_written(db):
    told = {name: refused(f"update sandbox_use set {name} = {name}") for name in columns("sandbox_use")}

    assert told.pop("undone_at") == ""
    assert set(told.values()) == {"42501"}


def test_of_an_invitation_only_its_end_can_be_written(db):
    told = {name: refused(f"update invitation set {name} = {name}") for name in columns("invitation")}

    assert {name for name, state in told.items() if state == ""} == {"used_at", "withdrawn_at"}
    assert {state for state in told.values() if state} == {"42501"}


def test_of_a_notice_only_its_way_can_be_written_never_its_text_or_receiver(db):
    told = {name: refused(f"update notice set {name} = {name}") for name in columns("notice")}

    way = {name for name, state in told.items() if state == ""}
    assert way == {"state", "tries", "sent_at", "changed_at", "reason"}
    assert {state for name, state in told.items() if name not in way} == {"42501"}


def test_of_a_cash_part_neither_the_amount_nor_the_redemption_can_be_written(db):
    told = {name: refused(f"update cash_part set {name} = {name}") for name in columns("cash_part")}

    assert {name for name, state in told.items() if state == "42501"} == {
        "member_id", "redemption_id", "amount_fen", "currency", "at",
    }  # fmt: skip


def test_of_a_payout_neither_the_statement_nor_the_amount_can_be_written(db):
    told = {name: refused(f"update payout set {name} = {name}") for name in columns("payout")}

    assert {name for name, state in told.items() if state == "42501"} == {
        "merchant_id", "statement_no", "amount_fen", "currency", "due_day", "made_at",
    }  # fmt: skip


@pytest.mark.parametrize("table", ["group_contact", "spender", "segment_member"])
def test_of_a_contact_and_a_spender_only_the_end_can_be_written(db, table):
    told = {name: refused(f"update {table} set {name} = {name}") for name in columns(table)}

    assert told.pop("until") == ""
    assert set(told.values()) == {"42501"}


def test_of_a_rate_only_the_last_day_can_be_written(db):
    told = {name: refused(f"update rate set {name} = {name}") for name in columns("rate")}

    assert told.pop("until_day") == ""
    assert set(told.values()) == {refused("delete from rate")} == {"42501"}


@pytest.mark.parametrize("table", NEVER_DELETED)
@pytest.mark.attack("A20")
def test_what_is_kept_for_good_is_not_deleted(db, table):
    assert {refused(f"delete from {table}"), refused(f"truncate {table}")} == {"42501"}


def test_no_table_can_be_emptied_and_each_can_be_read(db):
    with database.begin() as session:
        tables = session.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()

    assert {refused(f"truncate {table}") for table in tables} == {"42501"}
    assert {table for table in tables if refused(f"select 1 from {table} limit 1")} == set()


@pytest.mark.parametrize("what", FORBIDDEN)
@pytest.mark.attack("A20")
def test_what_belongs_to_the_owner_or_the_server_is_refused(what):
    state = refused(FORBIDDEN[what])

    assert state == "42501"


def test_a_grant_to_itself_gives_nothing(db):
    assert refused("grant update on posting to jifen_app", "update posting set amount = 1") == "42501"


@pytest.mark.attack("A20")
def test_the_role_is_nobody_special(db):
    with database.begin() as session:
        row = session.execute(
            text(
                "select current_user, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, "
                "(select array_agg(roleid::regrole::text order by roleid::regrole::text) from pg_auth_members where member = r.oid) as member_of, "
                "(select count(*) from pg_class where relowner = r.oid) as owns, "
                "has_database_privilege(current_database(), 'temp') as temp "
                "from pg_roles r where rolname = current_user"
            )
        ).one()

    walled = [
        "jifen_merchant",
        "jifen_staff",
    ]  # which it becomes for a transaction, and has nothing of by itself
    assert tuple(row) == ("jifen_app", False, False, False, False, False, walled, 0, False)


def test_each_session_has_deadlines(db):
    with database.begin() as session:
        told = {
            name: session.scalar(text(f"show {name}"))
            for name in (
                "lock_timeout",
                "statement_timeout",
                "idle_in_transaction_session_timeout",
                "timezone",
            )
        }

    assert told == {
        "lock_timeout": "1s",
        "statement_timeout": "5s",
        "idle_in_transaction_session_timeout": "10s",
        "timezone": "UTC",
    }


def test_no_table_was_forgotten_when_rights_were_given(db):
    """Each table of ours stands in one of the lists above or is one that comes and goes."""
    coming_and_going = {
        "sign_in",
        "one_time_code",
        "terminal_nonce",
        "guess",
        "outbox",
        "hold",
        "waiting_line",
        "alembic_version",
        "sandbox_use",
        "app_token",
    }
    coming_and_going |= {"staged_line", "import_part", "intake_part"}
    with database.begin() as session:
        deletable = set(
            session.scalars(
                text(
                    "select tablename from (select tablename from pg_tables where schemaname = 'public' offset 0) t "
                    "where has_table_privilege('jifen_app', format('public.%I', tablename), 'delete')"
                )
            )
        )

    assert {name for name in deletable if not name.startswith("procrastinate_")} <= coming_and_going
