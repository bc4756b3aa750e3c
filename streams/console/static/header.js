// The top of the page: the district's scores, the clock of its data, and what kind of data is shown.

import { both, byId, keep, make, write } from "./dom.js";
import { mode, modes, now, ofMode, state } from "./state.js";
import { arrow, arrowOf, spokenTrend } from "./trend.js";
import { clock, colourOf, COLOUR_WORDS, DOMAINS, MODES, millis, pair, span, whole } from "./words.js";

const ROUND = 2 * Math.PI * 26;
const STALE_WINDOWS = 2;
const STALE_SECONDS = 30;

export function drawHeader() {
  const districts = ofMode(state.areas).filter((one) => !one.area_id.includes("."));
  drawNames(districts);
  drawOverall(districts);
  drawDomains(districts[0]);
  drawMode();
  drawClock();
}

/** Redraw what changes with time alone. */
export function drawClock() {
  const newest = state.clocks.get(mode());
  const place = byId("clock");
  if (newest === undefined) {
    write(place, "暂无数据 no data yet");
    return;
  }
  const age = (now() - millis(newest.window_end)) / 1_000;
  const stale = age > STALE_WINDOWS * newest.window_s + STALE_SECONDS;
  document.body.classList.toggle("stale", stale);
  const at = clock(newest.window_end, now());
  write(place, stale ? `${span(age)} 无数据 · no data for ${span(age)} (last ${at})` : `${at} · ${span(age)} 前 ago`);
}

function drawNames(districts) {
  if (districts.length === 0) return;
  write(byId("district-zh"), districts.map((one) => one.name_zh).join("、"));
  write(byId("district-en"), districts.map((one) => one.name_en).join(", "));
  document.title = `${districts[0].name_zh} ${districts[0].name_en} · Urban Vitals`;
}

function drawOverall(districts) {
  const known = districts.filter((one) => one.overall !== null);
  // The worst of several districts stands for them: an average would hide it.
  const worst = known.sort((a, b) => a.overall - b.overall)[0];
  const sign = worst ? `${worst.area_id} ${whole(worst.overall)} ${worst.colour} ${worst.coverage.toFixed(2)} ${worst.trend} ${worst.change}` : "";
  keep(byId("overall"), [worst], { key: () => "ring", sign: () => sign, build: () => ring(worst) });
  byId("overall").setAttribute(
    "aria-label",
    worst ? `Overall score ${whole(worst.overall)} of 100, ${worst.colour}, ${worst.name_en}${spokenTrend(worst.trend)}` : "Overall score: not known yet",
  );
}

function ring(area) {
  const colour = area?.colour ?? "none";
  const full = area ? (area.overall / 100) * ROUND : 0;
  const circle = (name, dash) =>
    make("svg:circle", { class: name, cx: 32, cy: 32, r: 26, "stroke-dasharray": dash, transform: "rotate(-90 32 32)" });
  return make(
    "div",
    { class: `ring ${colour}` },
    make("svg:svg", { viewBox: "0 0 64 64", "aria-hidden": "true" }, circle("track", ""), circle("value", `${full} ${ROUND}`)),
    make("strong", { text: area ? whole(area.overall) : "–" }),
    make(
      "span",
      { class: "ring-words" },
      make("span", {}, area ? `${COLOUR_WORDS[colour]} ${colour} ` : "无 no score", area && arrowOf(area)),
      make("span", { class: "muted", text: area ? `覆盖 coverage ${Math.round(area.coverage * 100)}%` : "" }),
    ),
  );
}

function drawDomains(area) {
  keep(byId("domains"), Object.entries(DOMAINS), {
    key: ([id]) => id,
    sign: ([id]) => `${area?.domains[id]?.toFixed(1)} ${area?.domain_trends[id]}`,
    build: ([id, [zh, en]]) => {
      const score = area?.domains[id];
      const known = score !== undefined;
      const meter = make("span", { class: "meter", "aria-hidden": "true" }, make("span"));
      meter.firstChild.style.width = `${known ? score : 0}%`;
      return make(
        "li",
        { class: known ? colourOf(score) : "none" },
        both(zh, en),
        make("strong", {}, known && arrow(area.domain_trends[id]), known ? whole(score) : "–"),
        make("span", { class: "sr", text: known ? `of 100, ${colourOf(score)}` : "no data" }),
        meter,
      );
    },
  });
}

function drawMode() {
  const shown = mode();
  const badge = byId("mode-badge");
  badge.hidden = shown === "actual";
  write(badge, pair(MODES, shown).join(" "));
  const there = modes();
  byId("mode-label").hidden = there.length < 2;
  keep(byId("mode"), there, {
    key: (one) => one,
    sign: String,
    build: (one) => make("option", { value: one, text: pair(MODES, one).join(" ") }),
  });
  if (byId("mode").value !== shown) byId("mode").value = shown;
}
