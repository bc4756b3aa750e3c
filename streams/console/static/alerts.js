// Open alerts, the worst first, and the button that says "I have seen it".

import { both, byId, keep, make, write } from "./dom.js";
import { may, now, ofMode, scenarioName, state, unitName } from "./state.js";
import { post, signed } from "./server.js";
import { CERTAINTIES, clock, COLOURS, COLOUR_WORDS, pair, QUIET, STATES } from "./words.js";

const NEEDS_ACKNOWLEDGE = new Set(["UNACK", "RTNUN"]);
const sending = new Map(); // alert_id -> what became of the button
let spoken = null;

export function drawAlerts(open, redraw) {
  const alerts = ofMode(state.alerts).filter((one) => !one.over).sort(worstFirst);
  byId("who").hidden = !may("act");
  byId("alerts-empty").hidden = alerts.length > 0;
  write(byId("alerts-count"), String(alerts.length));
  keep(byId("alert-list"), alerts, {
    key: (one) => one.alert_id,
    sign: (one) => [one.version, sending.get(one.alert_id), unitName(one.unit_id).zh, may("act")].join(),
    build: (one) => card(one, open, redraw),
  });
  speak(alerts);
}

function worstFirst(a, b) {
  const quiet = QUIET.has(a.state) - QUIET.has(b.state);
  return quiet || COLOURS.indexOf(b.colour) - COLOURS.indexOf(a.colour) || b.first_seen.localeCompare(a.first_seen);
}

function card(alert, open, redraw) {
  const scenario = scenarioName(alert.scenario);
  const unit = unitName(alert.unit_id);
  const [zh, en] = pair(STATES, alert.state);
  const quiet = QUIET.has(alert.state) ? " quiet" : "";
  return make(
    "li",
    { class: `card ${alert.colour}${alert.provisional ? " provisional" : ""}${quiet}`, data: { alert: alert.alert_id } },
    make(
      "div",
      { class: "card-top" },
      tag(alert.colour),
      make("button", { type: "button", class: "title", data: { part: "title" }, on: { click: () => open("alert", alert.alert_id) } }, both(scenario.zh, scenario.en)),
      alert.provisional && make("span", { class: "mark", title: "Raised at arrival; not settled yet" }, both("暂定", "provisional")),
    ),
    make("button", { type: "button", class: "place", data: { part: "place" }, on: { click: () => open("unit", alert.unit_id) } }, both(unit.zh, unit.en)),
    make("p", { class: "headline", text: alert.headline }),
    make(
      "p",
      { class: "facts" },
      make("span", { class: `state ${alert.state}` }, both(zh, en)),
      fact("始于 since", make("time", { datetime: alert.first_seen, data: { since: alert.first_seen }, text: clock(alert.first_seen, now()) })),
      fact("可信度 certainty", pair(CERTAINTIES, alert.certainty).join(" ")),
      alert.subjects.length > 1 && fact("对象 subjects", `${alert.active}/${alert.subjects.length} active`),
      alert.acknowledged_by && fact("确认人 by", alert.acknowledged_by),
    ),
    may("act") && NEEDS_ACKNOWLEDGE.has(alert.state) && acknowledge(alert, redraw),
  );
}

export function tag(colour) {
  return make("span", { class: `tag ${colour}` }, both(COLOUR_WORDS[colour], colour));
}

export function fact(name, value) {
  return make("span", { class: "fact" }, make("span", { class: "muted", text: `${name} ` }), value);
}

function acknowledge(alert, redraw) {
  const said = sending.get(alert.alert_id);
  const button = make(
    "button",
    { type: "button", class: "do", data: { part: "acknowledge" }, on: { click: () => send(alert, redraw) } },
    said === "sending" ? both("发送中", "sending …") : said === "sent" ? both("已送达", "sent, taking effect …") : both("确认", "Acknowledge"),
  );
  if (said === "sending" || said === "sent") button.setAttribute("aria-disabled", "true");
  const failed = said && said !== "sending" && said !== "sent";
  return make("div", { class: "act" }, button, failed && make("span", { class: "failed", role: "alert", text: said }));
}

async function send(alert, redraw) {
  const id = alert.alert_id;
  if (["sending", "sent"].includes(sending.get(id))) return;
  sending.set(id, "sending");
  redraw();
  try {
    await post("/api/actions", signed({ action: "acknowledge", alert_id: id }));
    sending.set(id, "sent");
    // The stage acts when its watermark has passed; if it has not by then, let a person try again.
    setTimeout(() => sending.delete(id) && redraw(), 30_000);
  } catch (error) {
    sending.set(id, error.message);
  }
  redraw();
}

/** Say new alerts to those who cannot see them; not all that were there when the page opened. */
function speak(alerts) {
  const fresh = alerts.filter((one) => spoken !== null && !spoken.has(one.alert_id));
  if (state.caughtUp) spoken = new Set(alerts.map((one) => one.alert_id));
  if (fresh.length === 0) return;
  const one = fresh[0];
  const more = fresh.length > 1 ? ` and ${fresh.length - 1} more` : "";
  write(byId("spoken"), `New alert: ${one.colour}, ${scenarioName(one.scenario).en}, ${unitName(one.unit_id).en}${more}`);
}
