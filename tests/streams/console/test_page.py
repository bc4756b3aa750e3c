"""The page in a real browser, over a live state of hand-made records."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import msgspec
import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, async_playwright, expect

from schemas.actions import Action
from schemas.times import SECOND_NS
from streams.pollution.answer import Sources
from streams.twin.around import OutOfLogError
from tests.streams.console.builders import (
    TOKENS,
    UNIT,
    Console,
    alert,
    alerted,
    case,
    falling,
    indicator,
    ordered,
    scores,
    sources,
    unit,
)

PLAIN = "hp.bund.g02.building-0007"
ALERT = f"[data-alert='{alert().alert_id}']"
CASE = f"[data-case='{case(1, 'filed').case_id}']"


@dataclass
class Opened:
    """A console, its page, and what the browser complained about."""

    console: Console
    page: Page
    complaints: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def opened(role: str = "operator", width: int = 1_440, age_seconds: float | None = 10.0) -> AsyncIterator[Opened]:
    """Serve a small district whose newest window is so old (``None``: it has none), and open its page by a link."""
    chromium = shutil.which("chromium")
    if chromium is None:
        leave_out = pytest.fail if os.environ.get("VITALS_REQUIRE_SERVICES") == "1" else pytest.skip
        leave_out("Chromium is missing: apt-get install chromium fonts-dejavu-core fonts-noto-cjk")
    console = Console()
    console.live.fold([unit(), unit(PLAIN, name_zh="外滩楼宇7", name_en="The Bund, building 7", responsible=None)])
    if age_seconds is not None:
        end = time.time_ns() - round(age_seconds * SECOND_NS)
        console.live.fold([scores(end_ns=end, safety=93.0), scores(PLAIN, end, safety=15.0)])
        console.live.fold([indicator("overall", 88.5, "hp", end)])
        console.live.fold([indicator("noise_level", 70.0, end_ns=end, value=61.0, unit="dB")])
    console.live.set_caught_up()
    async with TestServer(console.app) as server, async_playwright() as playwright:
        ticking = asyncio.create_task(console.hub.run())
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": width, "height": 844}, reduced_motion="reduce")
        found = Opened(console, page)
        page.on("console", lambda said: found.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: found.complaints.append(str(error)))
        await page.goto(f"{server.make_url('/')}?token={TOKENS[role]}")
        await expect(page.locator("#link")).to_contain_text("live")
        try:
            yield found
        finally:
            await browser.close()
            ticking.cancel()
    assert found.complaints == []


async def test_units_and_the_district_stand_there_with_their_scores() -> None:
    async with opened() as at:
        await expect(at.page.locator("#district-zh")).to_have_text("黄浦区")
        await expect(at.page.locator("#overall")).to_have_attribute(
            "aria-label", "Overall score 88 of 100, green, Huangpu"
        )
        await expect(at.page.locator(f".unit.green[data-unit='{UNIT}']")).to_contain_text("南京大楼")
        tile = at.page.locator(f".tile.red[data-unit='{PLAIN}']")
        await expect(tile).to_have_text("15")
        await expect(tile).to_have_attribute("aria-label", "外滩楼宇7 The Bund, building 7: score 15, red")
        assert "token" not in at.page.url


async def test_arrows_and_a_curve_tell_where_scores_are_going() -> None:
    async with opened(age_seconds=None) as at:
        await expect(at.page.locator(".trend")).to_have_count(0)
        end = time.time_ns()
        names = ("hp", "hp.bund", "hp.nanjing-east", UNIT, PLAIN)
        at.console.live.fold([one for name in names for one in falling(name, end_ns=end)])
        title = "下降 falling: −15 分 points / 15 min 00 s"
        for place in ("#overall", f".unit[data-unit='{UNIT}']", ".group h3"):
            arrow = at.page.locator(f"{place} .trend")
            await expect(arrow).to_have_text("↓")
            await expect(arrow).to_have_attribute("aria-label", "下降 falling")
            await expect(arrow).to_have_attribute("title", title)
        label = "外滩楼宇7 The Bund, building 7: score 71, blue, falling"
        await expect(at.page.locator(f".tile[data-unit='{PLAIN}']")).to_have_attribute("aria-label", label)
        await at.page.locator(f".unit[data-unit='{UNIT}']").click()
        details = at.page.locator("#details-body")
        await expect(details.locator("li", has_text="总分 overall 71").locator(".trend")).to_have_text("↓")
        curve = details.locator("svg.sparkline")
        await expect(curve).to_have_attribute("aria-label", "总分 overall score, 19 min 00 s: 71–90")
        drawn = await curve.locator(".curve").get_attribute("d") or ""
        assert (drawn.count("M") + drawn.count("L"), drawn.endswith("240.0 13.9")) == (20, True)


async def test_a_rising_and_a_steady_score_have_arrows_of_their_own() -> None:
    async with opened() as at:
        end = time.time_ns()
        minutes = [end - minute * 60 * SECOND_NS for minute in range(20)]
        at.console.live.fold(indicator("crowd", 90.0 - age, "hp", end) for age, end in enumerate(minutes))
        at.console.live.fold(indicator("care", 90.0, "hp", end) for end in minutes)
        await expect(at.page.locator("#domains li", has_text="crowd").locator(".trend")).to_have_text("↑")
        await expect(at.page.locator("#domains li", has_text="care").locator(".trend")).to_have_text("→")


async def test_a_unit_opens_by_the_keyboard_and_shows_its_indicators() -> None:
    async with opened() as at:
        await at.page.locator(f".unit[data-unit='{UNIT}']").focus()
        await at.page.keyboard.press("Enter")
        await expect(at.page.locator("#details tbody")).to_contain_text("Noise level")
        await expect(at.page.locator("#details tbody")).to_contain_text("61 dB")
        await at.page.keyboard.press("Escape")
        await expect(at.page.locator("#details")).to_be_hidden()


async def test_a_unit_is_shown_at_a_past_time_and_again_now() -> None:
    async with opened() as at:
        await at.page.locator(f".unit[data-unit='{UNIT}']").click()
        details = at.page.locator("#details-body")
        await expect(details).to_contain_text("by Noise level 70")
        await details.locator("input[name='at']").fill("2026-01-01T08:00:30")
        await details.get_by_role("button", name="Show then").click()
        await expect(details).to_contain_text("No indicator")
        await expect(details).to_contain_text("Devices 0")
        asked_ns = await at.page.evaluate("Date.parse('2026-01-01T08:00:30') * 1e6")
        at.console.live.fold([alerted(2)])
        await expect(at.page.locator(ALERT)).to_be_attached()
        assert at.console.looked == [(UNIT, asked_ns)]  # what is past is not read again
        await details.get_by_role("button", name="Now").click()
        await expect(details).to_contain_text("61 dB")


async def test_a_time_that_has_not_come_is_refused_with_a_sentence_and_can_be_changed() -> None:
    async with opened() as at:
        await at.page.locator(f".unit[data-unit='{UNIT}']").click()
        details = at.page.locator("#details-body")
        await details.locator("input[name='at']").fill("2099-01-01T08:00:30")
        await details.get_by_role("button", name="Show then").click()
        await expect(details.get_by_role("alert")).to_have_text("`at` has not come yet.")
        await details.get_by_role("button", name="Now").click()
        await expect(details).to_contain_text("61 dB")
        at.complaints[:] = [said for said in at.complaints if "400" not in said]  # the browser's own word for it


async def test_an_alert_comes_without_a_reload_first_provisional_and_then_settled() -> None:
    async with opened() as at:
        await expect(at.page.locator("#alerts-empty")).to_be_visible()
        at.console.live.fold([alerted(1, since_ns=time.time_ns())])
        await expect(at.page.locator(ALERT)).to_contain_text("provisional")
        await expect(at.page.locator(ALERT)).to_contain_text("电梯")
        await expect(at.page.locator("#spoken")).to_contain_text("New alert: orange")
        at.console.live.fold([alerted(2, since_ns=time.time_ns())])
        await expect(at.page.locator(ALERT)).not_to_contain_text("provisional")
        at.console.live.fold([alerted(3, state="NORM")])
        await expect(at.page.locator(ALERT)).to_have_count(0)


async def test_a_case_goes_through_its_steps_to_its_verified_close() -> None:
    async with opened() as at:
        for version, step in enumerate(("registered", "dispatched", "accepted", "handling"), start=1):
            at.console.live.fold([ordered(version, step)])
            await expect(at.page.locator(f"#case-list {CASE}[data-step='{step}']")).to_contain_text(step)
        await expect(at.page.locator(f"{CASE} .line .now")).to_have_text("处置")
        await expect(at.page.locator(f"{CASE} .line .done")).to_have_count(5)
        at.console.live.fold([ordered(9, "closed", by="sensor")])
        await expect(at.page.locator(f"#closed-list {CASE}")).to_contain_text("verified by sensor")
        await expect(at.page.locator(f"#case-list {CASE}")).to_have_count(0)
        await at.page.locator(f"{CASE} .title").click()
        await expect(at.page.locator("#details .chain")).to_contain_text(alert().alert_id)


async def test_a_polluted_case_shows_its_likely_sources_with_the_evidence() -> None:
    async with opened("viewer") as at:
        at.console.sources = (sources(),)
        at.console.live.fold([ordered(4, "dispatched", scenario="pollution-source")])
        await at.page.locator(f"{CASE} .title").click()
        section = at.page.locator("#details .sources")
        await expect(section).to_contain_text("可能来源 Likely sources")
        await expect(section.locator(".ranked li")).to_contain_text("喷涂工坊 Paint works 0.91 (风向 direction 0.95")
        await expect(section).to_contain_text("1/3 上升 rose; 风 wind 3 m/s, 180°")
        await expect(section).to_contain_text("voc-1/voc: 200 → 3,200")
        at.console.live.fold([ordered(5, "accepted", scenario="pollution-source")])
        await expect(at.page.locator("#details")).to_contain_text("接单")
        await expect(section.locator(".ranked li")).to_have_count(1)
        assert len(at.console.explained) == 1  # the log is not read again with each step


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((), "No candidate: no sensor raised it."),
        ((sources(ranked=(), note="no place lies upwind"),), "No candidate: no place lies upwind."),
    ],
)
async def test_where_no_source_fits_the_page_says_so(found: tuple[Sources, ...], said: str) -> None:
    async with opened("viewer") as at:
        at.console.sources = found
        at.console.live.fold([ordered(4, "dispatched", scenario="pollution-source")])
        await at.page.locator(f"{CASE} .title").click()
        await expect(at.page.locator("#details .sources")).to_contain_text(said)
        await expect(at.page.locator("#details .ranked")).to_have_count(0)


async def test_sources_that_cannot_be_read_say_why_and_other_cases_have_none() -> None:
    async with opened("viewer") as at:
        at.console.looking_fails = OutOfLogError("it is before what the log still holds")
        at.console.live.fold([ordered(4, "dispatched", scenario="pollution-source")])
        await at.page.locator(f"{CASE} .title").click()
        await expect(at.page.locator("#details .sources")).to_contain_text("it is before what the log still holds.")
        at.console.live.fold([ordered(5, "accepted")])
        await expect(at.page.locator("#details .sources")).to_have_count(0)
        at.complaints[:] = [said for said in at.complaints if "410" not in said]  # the browser's own word for it


async def test_an_operator_acknowledges_and_signs() -> None:
    async with opened() as at:
        at.console.live.fold([alerted(2)])
        await at.page.locator("#by").fill("王伟")
        await at.page.locator(f"{ALERT} .do").click()
        await expect(at.page.locator(f"{ALERT} .do")).to_contain_text("sent")
        (effect,) = at.console.sent
        action = msgspec.json.decode(effect.value, type=Action)
        assert (action.action, action.alert_id, action.by) == ("acknowledge", alert().alert_id, "王伟")
        at.console.live.fold([alerted(3, state="ACKED", acknowledged_by="王伟")])
        await expect(at.page.locator(f"{ALERT} .do")).to_have_count(0)
        await expect(at.page.locator(ALERT)).to_contain_text("王伟")


async def test_a_viewer_has_no_button() -> None:
    async with opened("viewer") as at:
        at.console.live.fold([alerted(2)])
        await expect(at.page.locator(ALERT)).to_be_visible()
        await expect(at.page.locator(".do")).to_have_count(0)
        await expect(at.page.locator("#by")).to_be_hidden()


async def test_text_from_outside_stays_text() -> None:
    evil = "<script>window.evil=1</script><img src=x onerror='window.evil=1'>"
    async with opened() as at:
        at.console.live.fold([unit(name_en=evil[:128]), alerted(2, headline=evil)])
        at.console.live.fold([ordered(4, "dispatched", by=evil, team_id="t")])
        await expect(at.page.locator(f"{ALERT} .headline")).to_have_text(evil)
        await at.page.locator(f"{ALERT} .title").click()
        await expect(at.page.locator("#details-body")).to_contain_text(evil)
        assert await at.page.evaluate("window.evil") is None
        assert await at.page.locator("main img, main script, dialog img, dialog script").count() == 0


async def test_what_is_not_actual_says_so_and_gives_way_to_what_is() -> None:
    async with opened() as at:
        await expect(at.page.locator("#mode-badge")).to_be_hidden()
        at.console.live.fold([alerted(2, mode="exercise")])
        await at.page.locator("#mode").select_option("exercise")
        await expect(at.page.locator("#mode-badge")).to_have_text("演练 EXERCISE")
        await expect(at.page.locator("#alert-list > li")).to_have_count(1)
        await at.page.locator("#mode").select_option("actual")
        await expect(at.page.locator("#alert-list > li")).to_have_count(0)


async def test_old_data_is_called_old() -> None:
    async with opened(age_seconds=10) as at:
        await expect(at.page.locator("#clock")).to_contain_text("ago")
    async with opened(age_seconds=600) as at:
        await expect(at.page.locator("#clock")).to_contain_text("no data for 10 min")


async def test_before_there_is_anything_the_page_says_what_to_do() -> None:
    async with opened(age_seconds=None) as at:
        await expect(at.page.locator("#notice")).to_contain_text("vitals up")
        await expect(at.page.locator("#clock")).to_contain_text("no data yet")
        await expect(at.page.locator(f".unit.none[data-unit='{UNIT}']")).to_contain_text("no data")


@pytest.mark.parametrize("width", [320, 390, 768, 1_024, 1_440])
async def test_the_page_fits(width: int) -> None:
    async with opened(width=width) as at:
        at.console.live.fold([alerted(2, headline="x" * 300), ordered(6, "handling", team_id="t" * 64)])
        await expect(at.page.locator(CASE)).to_be_visible()
        assert await at.page.evaluate("document.documentElement.scrollWidth") <= width
