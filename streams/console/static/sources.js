// Where the pollution of a case may come from: read out of the log when the case is opened, and kept a while.

import { both, make } from "./dom.js";
import { now, state, unitName } from "./state.js";
import { get } from "./server.js";
import { clock, quantity } from "./words.js";

const SCENARIO = "pollution-source";
const KEPT_MS = 30_000;
const PARTS = { direction: "风向 direction", lag: "时差 lag", distance: "距离 distance", order: "先后 order" };
let kept = { id: "", at: 0, body: null };

/** The section of a case, or null where no source is looked for. */
export function sourcesOf(one) {
  if (one.scenario !== SCENARIO) return null;
  if (kept.id !== one.case_id || Date.now() - kept.at > KEPT_MS) kept = { id: one.case_id, at: Date.now(), body: read(one.case_id) };
  return make("section", { class: "sources" }, make("h3", {}, both("可能来源", "Likely sources")), kept.body);
}

function read(id) {
  const body = make("div", { role: "status" }, make("p", { class: "muted", text: "… 读取日志 reading the log" }));
  get(`/api/cases/${encodeURIComponent(id)}/sources`)
    .then((answer) => body.replaceChildren(...parts(answer)))
    .catch((error) => {
      body.replaceChildren(make("p", { class: "failed", text: error.message }));
      kept.at = 0; // asked again when the case is shown anew
    });
  return body;
}

const parts = (answer) => (answer.found.length > 0 ? answer.found.flatMap(ofQuantity) : [none(answer.note)]);
const none = (note) => make("p", { class: "empty", text: `无候选 No candidate: ${note}.` });

function ofQuantity(found) {
  const entry = state.catalogue.quantities[found.quantity];
  const head = make("p", {}, both(entry?.name.zh ?? found.quantity, entry?.name.en ?? ""), ` ${found.rose.length}/${found.watched} 上升 rose${wind(found)}`);
  const rose = found.rose.map((one) => risen(one, entry?.unit ?? ""));
  if (found.ranked.length === 0) return [head, make("ul", { class: "plain" }, ...rose), none(found.note)];
  return [
    head,
    make("ol", { class: "ranked" }, ...found.ranked.map((one) => candidate(one, found.medium))),
    make("ul", { class: "plain" }, ...rose),
    found.note ? make("p", { class: "muted", text: found.note }) : "",
  ];
}

function wind(found) {
  if (found.medium !== "air") return "";
  return found.wind_mps === null ? "; 风未知 wind unknown" : `; 风 wind ${quantity(found.wind_mps, "m/s")}, ${Math.round(found.wind_from_deg)}°`;
}

function candidate(one, medium) {
  const scores = Object.entries(PARTS).filter(([name]) => one[name] !== null).map(([name, words]) => `${words} ${one[name].toFixed(2)}`);
  if (one.minutes !== null) scores.push(`上游 upstream ${one.minutes} min`);
  const what = medium === "air" ? "传感器 sensors" : "点位 points";
  return make("li", {}, make("strong", {}, both(one.name_zh, one.name)), ` ${one.score.toFixed(2)} (${scores.join(", ")}; ${what}: ${one.seen} 上升 rose, ${one.missed} 未升 did not)`);
}

function risen(one, unit) {
  const name = unitName(one.unit_id);
  const when = make("time", { datetime: one.onset, text: clock(one.onset, now()) });
  return make("li", {}, when, " ", both(name.zh, name.en), ` ${one.series}: ${quantity(one.level, "")} → ${quantity(one.highest, unit)}`);
}
