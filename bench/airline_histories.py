"""The airline's public records as files for `jifen retention`: intervals and person-months.

    python -m bench.airline_histories FOLDER OUT

Members who cancelled before the records begin (2017-01) are left out. Rows of one member-month are summed. Time counts
from the month of enrolment; what was redeemed before it counts in the month of enrolment.
"""

import sys
from pathlib import Path

import duckdb

FIRST, LAST = 2017 * 12, 2018 * 12 + 11  # months on one calendar: year * 12 + month - 1
INTERVALS, PERSON_MONTHS = "airline-intervals.csv", "airline-months.csv"

MEMBERS = f"""
create table member as select "Loyalty Number" id, "Enrollment Year" * 12 + "Enrollment Month" - 1 joined,
  "Cancellation Year" * 12 + "Cancellation Month" - 1 gone, lower("Gender") gender, lower("Education") education,
  lower("Marital Status") married, lower("Loyalty Card") card, "CLV" clv, lower("Enrollment Type") enrolment
from read_csv(?, header = true) where gone is null or gone >= {FIRST}
"""
ACTIVITY = """
create table activity as select "Loyalty Number" id, "Year" * 12 + "Month" - 1 as month, sum("Total Flights") flights,
  sum("Distance") distance, sum("Points Accumulated") earned, sum("Points Redeemed") redeemed,
  sum("Dollar Cost Points Redeemed") dollars
from read_csv(?, header = true) group by all
"""
MONTHS = f"""
create table months as
with seen as (select id, joined, gone, greatest(joined, {FIRST}) opened, coalesce(gone, {LAST}) closed from member),
row as (select seen.*, unnest(range(opened, closed + 1)) as month from seen),
counted as (select m.id, greatest(a.month, m.opened) as month, sum(flights) flights, sum(distance) distance,
    sum(earned) earned, sum(redeemed) redeemed, sum(dollars) dollars
  from activity a join seen m on m.id = a.id where a.month <= m.closed group by all)
select row.id, row.month, row.month - joined tenure, row.month = gone and gone is not null gone_now,
  coalesce(flights, 0) flights, coalesce(distance, 0) distance, coalesce(earned, 0) earned,
  coalesce(redeemed, 0) redeemed, coalesce(dollars, 0) dollars
from row left join counted using (id, month)
"""
PANEL = """
copy (select m.id, format('{:04d}-{:02d}', month // 12, month % 12 + 1) as month, gone_now::int as "left",
  case when redeemed > 0 then 'flight' end redeemed_kind, tenure, redeemed::bigint points,
  (dollars * 100)::bigint cost_fen,
  coalesce(sum(flights) over before_this, 0) flights_before,
  coalesce(sum(flights) over three, 0) flights_3,
  coalesce(sum(distance) over three, 0) distance_3,
  coalesce(sum(earned - redeemed) over before_this, 0) points_left,
  p.gender, p.education, p.married, p.card, p.clv, p.enrolment
from months m join member p using (id)
window before_this as (partition by m.id order by month rows between unbounded preceding and 1 preceding),
  three as (partition by m.id order by month rows between 3 preceding and 1 preceding)
order by m.id, month) to '{out}' (header)
"""
SPELLS = """
copy (with first as (select id, min(case when redeemed > 0 then tenure end) first, min(tenure) opened,
    max(tenure) + 1 closed, bool_or(gone_now) gone from months group by id),
cut as (select id, opened "start", least(coalesce(first + 1, closed), closed) "stop", 0 exposed, closed, gone from first
  union all select id, first + 1, closed, 1, closed, gone from first where first + 1 < closed)
select id, "start", "stop", (cut.gone and "stop" = closed)::int "event", exposed, gender, education, married, card, clv,
  enrolment
from cut join member using (id) order by id, "start") to '{out}' (header)
"""


def write(folder: Path, out: Path) -> tuple[Path, Path]:
    """Write both files into a folder; who redeemed in the last month only has no exposed interval."""
    database = duckdb.connect()
    database.execute(MEMBERS, [str(folder / "Customer Loyalty History.csv")])
    database.execute(ACTIVITY, [str(folder / "Customer Flight Activity.csv")])
    database.execute(MONTHS)
    out.mkdir(parents=True, exist_ok=True)
    paths = out / INTERVALS, out / PERSON_MONTHS
    for query, path in zip((SPELLS, PANEL), paths, strict=True):
        database.execute(query.replace("{out}", str(path).replace("'", "''")))
    return paths


if __name__ == "__main__":
    for path in write(Path(sys.argv[1]), Path(sys.argv[2])):
        print(path)
