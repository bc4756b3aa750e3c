// One unit, alert or case in full, in a dialog; fetched anew whenever it may have changed.

import { both, byId, make, write } from "./dom.js";
import { may, mode, now, scenarioName, state, unitName } from "./state.js";
import { get, post, signed } from "./server.js";
import { fact, tag } from "./alerts.js";
import { stepLine } from "./cases.js";
import { clock, colourOf, DOMAINS, FEEDBACK, LINKS, pair, quantity, STATES, stepWords, TIERS, whole } from "./words.js";
import { sourcesOf } from "./sources.js";
import { arrow, sparkline } from "./trend.js";
import { ofThen, timePicker } from "./then.js";

const DEVICES_SHOWN = 40;
const PATHS = {
  unit: (id, at) => `/api/units/${encodeURIComponent(id)}?${at ? `at=${encodeURIComponent(at)}` : `mode=${mode()}`}`,
  alert: (id) => `/api/alerts/${encodeURIComponent(id)}`,
  case: (id) => `/api/cases/${encodeURIComponent(id)}`,
};
const BUILD = { unit: unitParts, alert: alertParts, case: caseParts };
let shown = null; // {kind, id, at, text, busy, settled}; at: the past time that is shown, "" for now

export function openDetails(kind, id, at = "") {
  shown = { kind, id, at, text: "", busy: false, settled: false };
  if (kind === "unit") shown.picker = timePicker(at, (to) => openDetails(kind, id, to));
  byId("details-body").replaceChildren(make("p", { class: "muted", text: "… 读取中 loading" }));
  write(byId("details-title"), "");
  if (!byId("details").open) byId("details").showModal();
  byId("details-title").focus();
  return refreshDetails();
}

/** Fetch what is open again; what a person is typing there stays, and so does what is past. */
export async function refreshDetails() {
  if (shown === null || !byId("details").open || shown.busy || shown.settled) return;
  const asked = shown;
  asked.busy = true;
  try {
    const found = await get(PATHS[asked.kind](asked.id, asked.at));
    const text = JSON.stringify(found);
    const typing = byId("details-body").querySelector("form")?.contains(document.activeElement);
    if (asked === shown && text !== asked.text && !(typing && asked.text)) {
      asked.text = text;
      const { title, parts } = BUILD[asked.kind](asked.at ? ofThen(found, mode()) : found);
      byId("details-title").replaceChildren(title);
      byId("details-body").replaceChildren(...[asked.picker, ...parts].filter(Boolean));
    }
  } catch (error) {
    const failed = make("p", { class: "failed", role: "alert", text: error.message });
    if (asked === shown) byId("details-body").replaceChildren(...[asked.at && asked.picker, failed].filter(Boolean));
  } finally {
    asked.busy = false;
    asked.settled = asked.at !== "";
  }
}

const heading = (zh, en) => make("h3", {}, both(zh, en));
const time = (text) => make("time", { datetime: text, text: clock(text, now()) });

function table(heads, rows) {
  const head = make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col", text }))));
  const cell = (value) => make("td", {}, value instanceof Node ? value : String(value ?? ""));
  return make("div", { class: "scroll" }, make("table", {}, head, make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map(cell))))));
}

function scoreCell(score, colour) {
  return make("span", { class: `score ${colour}`, text: `${whole(score)} ${colour}` });
}

function unitParts(unit) {
  const name = unitName(unit.unit_id);
  const overall = unit.tile?.score ?? unit.overall;
  const rows = unit.indicators.map((one) => {
    const entry = state.catalogue.indicators[one.indicator];
    return [
      both(entry?.name.zh ?? one.indicator, entry?.name.en ?? ""),
      quantity(one.value, one.unit),
      scoreCell(one.score, one.colour),
      one.n,
      `${Math.round(one.coverage * 100)}%`,
      time(one.window_start),
    ];
  });
  return {
    title: both(name.zh, name.en),
    parts: [
      make("p", { class: "facts" }, fact("编号 id", unit.unit_id), unit.place && fact("类型 kind", unit.place.kind)),
      make("ul", { class: "plain" }, typeof overall === "number" && scoreLine("总分", "overall", overall, [], unit.trends?.overall), ...unit.scores.map((one) => scoreLine(...pair(DOMAINS, one.domain), one.score, one.contributors, unit.trends?.[one.domain]))),
      unit.hour && sparkline(unit.hour),
      heading("指标", "Indicators"),
      rows.length > 0
        ? table(["指标 indicator", "数值 value", "得分 score", "样本 rows", "覆盖 coverage", "窗口 window from"], rows)
        : make("p", { class: "empty", text: "暂无指标 No indicator in the last minutes." }),
      heading("告警与事项", "Alerts and cases"),
      unit.alerts.length + unit.cases.length === 0 && make("p", { class: "empty", text: "无 None is open." }),
      make(
        "ul",
        { class: "plain" },
        ...unit.alerts.map((one) => jump("alert", one.alert_id, one, pair(STATES, one.state))),
        ...unit.cases.map((one) => jump("case", one.case_id, one, stepWords(one.step))),
      ),
      unit.devices && heading("设备", `Devices ${unit.devices.length}`),
      unit.devices && make("ul", { class: "plain" }, ...unit.devices.slice(0, DEVICES_SHOWN).map((one) => deviceLine(one, unit.looked_back_s))),
    ],
  };
}

/** A score, where it is going, and what made it, the worst first. */
function scoreLine(zh, en, score, contributors, trend) {
  const words = ({ name, value }) => `${state.catalogue.indicators[name]?.name.en ?? name} ${whole(value)}`;
  const why = contributors.slice(0, 4).map(words).join(", ");
  return make("li", {}, make("span", { class: `score ${colourOf(score)}`, text: `${zh} ${en} ${whole(score)}` }), trend && " ", trend && arrow(trend.direction, trend.change, trend.seconds), why && ` 因 by ${why}`);
}

function deviceLine(device, lookedBack) {
  const words = ({ quantity: name, value, quality, text, time: taken }) =>
    [name, value, text, typeof quality === "number" && quality < 1 && `quality ${quality.toFixed(2)}`, clock(taken, now())].filter((part) => part || part === 0).join(" ");
  const said = device.readings.map(words).join("; ") || `无读数 no reading in the last ${Math.round(lookedBack / 60)} min`;
  return make("li", {}, make("strong", { text: device.device_id }), ` ${said}`);
}

function jump(kind, id, one, words) {
  const scenario = scenarioName(one.scenario);
  return make(
    "li",
    {},
    tag(one.colour),
    " ",
    make("button", { type: "button", class: "title", on: { click: () => openDetails(kind, id) } }, both(scenario.zh, scenario.en)),
    ` ${words.join(" ")}`,
  );
}

function alertParts(alert) {
  const scenario = scenarioName(alert.scenario);
  const unit = unitName(alert.unit_id);
  const instruction = state.catalogue.scenarios[alert.scenario]?.instruction;
  const rows = alert.subjects.map((one) => [one.subject, one.state, time(one.since), one.quality.toFixed(2), evidence(one.evidence)]);
  return {
    title: both(scenario.zh, scenario.en),
    parts: [
      make("p", { class: "facts" }, tag(alert.colour), both(unit.zh, unit.en), both(...pair(STATES, alert.state)), fact("版本 version", alert.version)),
      make("p", { text: alert.headline }),
      alert.description && make("p", { text: alert.description }),
      instruction && make("p", { class: "advice", text: instruction }),
      heading("对象", "Subjects"),
      table(["对象 subject", "状态 state", "自 since", "质量 quality", "依据 evidence"], rows),
      make("p", { class: "facts" }, fact("编号 id", alert.alert_id), fact("区域 area", alert.area), fact("紧急 urgency", alert.urgency), fact("严重 severity", alert.severity)),
    ],
  };
}

function evidence(found) {
  const words = (one) => `${one.name}${typeof one.value === "number" ? ` = ${quantity(one.value, "")}` : ""} (${one.topic} ${one.partition}/${one.offset})`;
  return make("span", { class: "evidence" }, ...(found ?? []).slice(0, 4).map((one) => make("span", { text: words(one) })));
}

function caseParts(one) {
  const scenario = scenarioName(one.scenario);
  const unit = unitName(one.unit_id);
  return {
    title: both(scenario.zh, scenario.en),
    parts: [
      make("p", { class: "facts" }, tag(one.colour), both(unit.zh, unit.en), fact("层级 tier", pair(TIERS, one.tier).join(" ")), fact("队伍 team", one.team_id ?? "–"), fact("工单 order", one.order_id ?? "–")),
      stepLine(one),
      may("report") && one.order_id && feedbackForm(one),
      sourcesOf(one),
      heading("环节", "Steps"),
      table(
        ["时间 time", "环节 step", "层级 tier", "由 by", "备注 note"],
        one.steps.map((entry) => [time(entry.time), both(...stepWords(entry.step)), pair(TIERS, entry.tier).join(" "), entry.by, entry.note]),
      ),
      heading("因果链", "Causal chain"),
      make("ol", { class: "chain" }, ...one.chain.map(link)),
      make("p", { class: "facts" }, fact("编号 id", one.case_id), fact("关联 correlation", one.correlationid)),
    ],
  };
}

function link(one) {
  return make(
    "li",
    { class: one.kind },
    make("strong", {}, both(...pair(LINKS, one.kind))),
    time(one.time),
    make("code", { text: one.id }),
    one.detail && make("span", { text: one.detail }),
  );
}

function feedbackForm(one) {
  const said = make("span", { role: "status" });
  const choose = make("select", { name: "action", "aria-label": "Feedback 反馈" }, ...Object.entries(FEEDBACK).map(([id, words]) => make("option", { value: id, text: words.join(" ") })));
  const note = make("input", { name: "note", maxlength: 500, placeholder: "备注 note", "aria-label": "Note 备注" });
  const send = async (event) => {
    event.preventDefault();
    write(said, "发送中 sending …");
    const team = one.team_id ? { team_id: one.team_id } : {};
    try {
      await post("/api/feedback", signed({ order_id: one.order_id, action: choose.value, note: note.value, ...team }));
      write(said, "已送达 sent, taking effect …");
      note.value = "";
    } catch (error) {
      write(said, error.message);
    }
  };
  return make("form", { class: "feedback", on: { submit: send } }, choose, note, make("button", { type: "submit", class: "do" }, both("发送", "Send")), said);
}
