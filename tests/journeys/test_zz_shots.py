"""Screenshots over a demo-like database."""
import json, os, sys
from pathlib import Path
import pytest
from datetime import date
from playwright.sync_api import expect
from app import demo
from base import clock, database
from admin.analytics import taking
from points import programmes
from tests.admin.console.test_retention import given_run
from tests.given import staff_token
from tests.journeys.conftest import sound
OUT = Path("/tmp/apages/shots"); OUT.mkdir(exist_ok=True)
PAGES = ["retention", "retention/curves", "retention/curves?curves=ever", "retention/kinds", "retention/trust", "retention/runs", "worth/mix", "worth/premium", "worth/liability", "worth/areas"]
pytestmark = pytest.mark.browser
def test_shots(visit, db, app):
    demo.make(db, "tiny", quiet=True)
    n=0
    while taking.step() and n < 60: n+=1
    with database.begin() as s: every = programmes.every(s)
    for nth, (p, f) in enumerate(zip(every, ("main-20000", "null-20000"))):
        given_run(p, json.load(open(f"/tmp/apages/{f}.json")), seed=10)
    given = given_run(every[0], json.load(open("/tmp/apages/main-600.json")), clock.now().replace(year=2025), seed=11)
    token = staff_token("analyst", "auditor", "finance")
    faults = []
    only = os.environ.get("ONLY")
    pages = [*PAGES, f"retention/trust?run={given}", f"retention?run={given}", f"retention/runs/{given}"]
    for lang, scheme, width in (("en", "light", 1280), ("zh-CN", "dark", 320), ("zh-CN", "light", 1280), ("en","dark",1280), ("en","light",320)):
        page = visit("/staff", language=lang, width=width, color_scheme=scheme, cookies={"jifen_staff": token})
        for path in pages:
            if only and only not in path: continue
            page.goto(f"/staff/{path}")
            page.wait_for_timeout(250)
            name = path.replace("/", "-").replace("?", "_")[:40]
            page.screenshot(path=OUT / f"{name}-{lang}-{scheme}-{width}.png", full_page=True)
            try: sound(page, lang, widths=(width,))
            except AssertionError as e: faults.append(str(e)[:600])
    assert not faults, "\n".join(faults)
