"""What earnings and their reversals are on a statement: one line each, without fee and tax."""

# Of one merchant, before a moment; the columns are those that every kind of line has. What came out of a pack is paid
# already and owes nothing, but has its line; a reversal gives back what its earning took.
LINES = """
select e.recorded_at, e.earning_id as source_id, 'earning' as kind, e.member_id,
       -e.price_fen as owed_fen, 0::bigint as fee_fen, 0::bigint as vat_fen
  from merchant_earning e
 where e.merchant_id = :merchant_id and e.recorded_at < :to_at
union all
select r.recorded_at, r.reversal_id, 'earning-reversal', r.member_id, e.price_fen, 0, 0
  from earning_reversal r
  join merchant_earning e on e.member_id = r.member_id and e.earning_id = r.earning_id
 where r.merchant_id = :merchant_id and r.recorded_at < :to_at
"""
