"""The second wall: roles for the transactions of staff and of merchants' people, and which rows are theirs."""

from alembic import op

from migrations.rights import APP_ROLE, MERCHANT_ROLE, STAFF_ROLE
from migrations.walls import (
    ANYWHERE,
    IN_AREA,
    OWN,
    SOME_MERCHANT,
    beside,
    of_member,
    of_merchant,
    unwall,
    wall,
)

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

OF_MEMBERS = (
    "member", "phone", "phone_holder", "member_attribute", "member_device", "member_export", "member_merge",
    "vault_item", "preference", "ticket", "ticket_step", "contact", "care_assignment", "care_task", "proof_sample",
    "voucher_freeze", "wallet_freeze", "tier_change", "tier_grant", "tier_revocation", "entitlement_count",
    "entitlement_use", "trial_card_result", "line_event", "goods_order", "goods_step", "opening_lot",
)  # fmt: skip
OF_MERCHANTS = (
    "clerk", "terminal", "invitation", "merchant_documents", "merchant_step", "campaign", "points_pack", "statement",
    "payout", "payout_step", "payout_route", "payout_route_change", "stripe_account", "stripe_payout", "tax_invoice",
    "recovery", "till_attempt",
)  # fmt: skip
# Of these, staff of every area meet rows of merchants elsewhere: a member's deeds, a dispute's money, names on an offer.
OWN_ONLY = (
    "merchant", "outlet", "shift", "terms", "terms_confirmation", "acceptance", "void", "voucher", "merchant_earning",
    "earning_reversal", "pack_use", "merchant_item", "statement_line", "webhook_endpoint", "webhook_event",
)  # fmt: skip
BESIDE = {
    "terminal_key": ("terminal", "terminal_id"),
    "webhook_delivery": ("webhook_endpoint", "endpoint_id"),
    "webhook_try": ("webhook_endpoint", "endpoint_id"),
    "webhook_replay": ("webhook_endpoint", "endpoint_id"),
}
RULES = {
    "member_facts": (IN_AREA, None),
    "area_sum": (IN_AREA, None),
    "proof_run": (IN_AREA, None),
    "stock_move": (f"(area is null and {ANYWHERE}) or ({IN_AREA})", None),
    "rating": (IN_AREA, OWN),
    "dispute": (of_member("dispute"), OWN),
    "proposal": (
        f"(member_id = 0 and {ANYWHERE}) or {of_member('proposal')}",
        f"member_id = 0 and {SOME_MERCHANT}",
    ),
    "offer_draft": (ANYWHERE, beside("offer_draft", "campaign", "draft_id")),
    "till_alert": (of_merchant("till_alert"), None),
    "payout_run_row": (of_merchant("payout_run_row"), None),
    **{table: (of_member(table), None) for table in OF_MEMBERS},
    **{table: (of_merchant(table), OWN) for table in OF_MERCHANTS},
    **dict.fromkeys(OWN_ONLY, (ANYWHERE, OWN)),
    **{table: (ANYWHERE, beside(table, *parent)) for table, parent in BESIDE.items()},
}
WRITES = {"merchant": of_merchant("merchant"), "outlet": IN_AREA, "terms": of_merchant("terms")}
# A merchant's people have no business with these, of nobody.
NOT_FOR_MERCHANTS = (
    "wallet", "posting", "hold", "redemption", "redemption_step", "quote", "seat", "gift", "voucher_gift", "voucher_lapse",
    "bonus", "bill_line", "bill_correction", "bill_payment", "waiting_line", "staged_line", "group_profile",
    "group_contact", "spender", "spent", "companion_link", "segment_member", "bundle_part", "cash_part", "cash_event",
    "card_proceeds", "perk_use", "step_up", "budget_use", "expiry_notice", "share_link", "staff", "staff_sign_in",
    "recovery_code", "api_key",
)  # fmt: skip


def upgrade() -> None:
    op.execute(f"""
do $$
declare one record;
begin
  if to_regrole('{STAFF_ROLE}') is null or to_regrole('{MERCHANT_ROLE}') is null
    or not pg_has_role('{APP_ROLE}', '{STAFF_ROLE}', 'member') or not pg_has_role('{APP_ROLE}', '{MERCHANT_ROLE}', 'member')
  then
    raise exception 'two roles are missing' using hint = 'as a superuser: alter role {APP_ROLE} noinherit; '
      'create role {STAFF_ROLE} nologin; create role {MERCHANT_ROLE} nologin; grant {STAFF_ROLE}, {MERCHANT_ROLE} to {APP_ROLE};';
  end if;
  grant usage on schema public to {STAFF_ROLE}, {MERCHANT_ROLE};
  for one in
    select format('%s on %s %s', a.privilege_type, case c.relkind when 'S' then 'sequence' else 'table' end, c.oid::regclass) rights
      from pg_class c cross join aclexplode(c.relacl) a
      where c.relnamespace = 'public'::regnamespace and a.grantee = '{APP_ROLE}'::regrole
    union all select format('%s (%I) on table %s', a.privilege_type, t.attname, c.oid::regclass)
      from pg_class c join pg_attribute t on t.attrelid = c.oid cross join aclexplode(t.attacl) a
      where c.relnamespace = 'public'::regnamespace and a.grantee = '{APP_ROLE}'::regrole
  loop
    execute format('grant %s to {STAFF_ROLE}, {MERCHANT_ROLE}', one.rights);
  end loop;
end $$
""")
    # A table is locked while it is walled: one after the other, each in its own transaction, so that nobody waits for all of them.
    with op.get_context().autocommit_block():
        for table, (staff, merchant) in RULES.items():
            wall(table, staff=staff, merchant=merchant, writes=WRITES.get(table))
    op.execute(f"revoke all on {', '.join(NOT_FOR_MERCHANTS)} from {MERCHANT_ROLE}")


def downgrade() -> None:
    for table in RULES:
        unwall(table)
    op.execute(f"""
do $$
begin
  execute 'revoke all on all tables in schema public from {STAFF_ROLE}, {MERCHANT_ROLE}';
  execute 'revoke all on all sequences in schema public from {STAFF_ROLE}, {MERCHANT_ROLE}';
  execute 'revoke usage on schema public from {STAFF_ROLE}, {MERCHANT_ROLE}';
end $$
""")
