// Cases on their way from registered to closed, and those that have come to their end.

import { both, byId, keep, make, write } from "./dom.js";
import { now, ofMode, scenarioName, state, unitName } from "./state.js";
import { fact, tag } from "./alerts.js";
import { clock, COLOURS, LINE, millis, OTHER_STEPS, pair, span, stepWords, TIERS } from "./words.js";

const CLOSED_SHOWN = 12;
const TIER_ORDER = Object.keys(TIERS);

export function drawCases(open) {
  const cases = ofMode(state.cases);
  const running = cases.filter((one) => !one.over).sort(mostUrgentFirst);
  const over = cases.filter((one) => one.over).reverse();
  byId("cases-empty").hidden = running.length > 0;
  write(byId("cases-count"), String(running.length));
  write(byId("closed-count"), String(over.length));
  const how = { key: (one) => one.case_id, sign: (one) => `${one.version} ${unitName(one.unit_id).zh}` };
  keep(byId("case-list"), running, { ...how, build: (one) => card(one, open) });
  keep(byId("closed-list"), over.slice(0, CLOSED_SHOWN), { ...how, build: (one) => ended(one, open) });
}

/** How long is left of the present step's time; whether it has run out. */
export function dueWords(due) {
  const left = (millis(due) - now()) / 1_000;
  return { late: left < 0, text: left < 0 ? `超时 overdue ${span(-left)}` : `剩余 due in ${span(left)}` };
}

/** The nine steps as a line; what is done, where the case stands, and what is to come. */
export function stepLine(one) {
  const at = position(one);
  return make(
    "ol",
    { class: "line", "aria-label": `Step ${at + 1} of ${LINE.length}: ${stepWords(one.step)[1]}` },
    ...LINE.map(([, zh, en], place) => {
      const done = place < at || one.step === "closed";
      const now = place === at && !done;
      return make(
        "li",
        { class: done ? "done" : now ? "now" : "todo", title: en, "aria-current": now ? "step" : undefined },
        make("span", { class: "dot", "aria-hidden": "true", text: done ? "✓" : "" }),
        make("span", { lang: "zh-Hans", text: zh }),
      );
    }),
  );
}

function position(one) {
  const place = (step) => LINE.findIndex(([id]) => id === step);
  if (place(one.step) >= 0) return place(one.step);
  if (one.step === "reopened") return place("filed");
  const last = one.steps.map((entry) => place(entry.step)).filter((found) => found >= 0);
  return last.at(-1) ?? 0;
}

function mostUrgentFirst(a, b) {
  const due = (one) => (one.due === null ? Infinity : millis(one.due));
  return COLOURS.indexOf(b.colour) - COLOURS.indexOf(a.colour) || due(a) - due(b) || a.case_id.localeCompare(b.case_id);
}

function heading(one, open) {
  const scenario = scenarioName(one.scenario);
  return make(
    "div",
    { class: "card-top" },
    tag(one.colour),
    make("button", { type: "button", class: "title", data: { part: "title" }, on: { click: () => open("case", one.case_id) } }, both(scenario.zh, scenario.en)),
    one.due && !one.over && make("span", { class: "due", data: { due: one.due } }),
  );
}

function where(one, open) {
  const unit = unitName(one.unit_id);
  return make("button", { type: "button", class: "place", data: { part: "place" }, on: { click: () => open("unit", one.unit_id) } }, both(unit.zh, unit.en));
}

function card(one, open) {
  const [zh, en] = stepWords(one.step);
  const escalated = TIER_ORDER.indexOf(one.tier) > 0 && one.steps.some((entry) => entry.tier !== one.tier);
  return make(
    "li",
    { class: `card ${one.colour}`, data: { case: one.case_id, step: one.step } },
    heading(one, open),
    where(one, open),
    stepLine(one),
    make(
      "p",
      { class: "facts" },
      make("span", { class: one.step === "reopened" ? "state UNACK" : "state" }, both(zh, en)),
      make("span", { class: escalated ? "fact escalated" : "fact" }, make("span", { class: "muted", text: "层级 tier " }), pair(TIERS, one.tier).join(" "), escalated && " ↑"),
      fact("队伍 team", one.team_id ?? "–"),
      one.attempt > 1 && fact("第几次 attempt", String(one.attempt)),
    ),
  );
}

function ended(one, open) {
  const [zh, en] = stepWords(one.step);
  const end = one.steps.at(-1)?.time;
  const other = one.step in OTHER_STEPS;
  return make(
    "li",
    { class: "card ended", data: { case: one.case_id, step: one.step } },
    heading(one, open),
    where(one, open),
    make(
      "p",
      { class: "facts" },
      make("span", { class: other ? "state" : "state closed" }, both(zh, en)),
      one.verified && make("span", { class: "verified" }, "✓ ", both("传感器核实", "verified by sensor")),
      end && fact("于 at", clock(end, now())),
      end && fact("历时 took", span((millis(end) - millis(one.opened)) / 1_000)),
    ),
  );
}
