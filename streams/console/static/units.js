// Every unit: those with people of their own as cards, the others as tiles, by subdistrict or the worst first.

import { both, byId, keep, make, write } from "./dom.js";
import { isStale, mode, ofMode, state, unitName } from "./state.js";
import { arrowOf, spokenTrend } from "./trend.js";
import { colourOf, COLOURS, COLOUR_WORDS, DOMAINS, whole } from "./words.js";

const MAX_FEATURED = 24;
let order = "place";

export function setOrder(to) {
  order = to;
  byId("by-place").setAttribute("aria-pressed", String(to === "place"));
  byId("by-score").setAttribute("aria-pressed", String(to === "score"));
}

export function drawUnits(open) {
  const units = allUnits();
  const featured = units.filter((one) => one.place?.featured).sort(byName).slice(0, MAX_FEATURED);
  const large = new Set(featured);
  write(byId("units-count"), String(units.length));
  byId("featured").hidden = featured.length === 0;
  keep(byId("featured"), featured, { key: (one) => one.id, sign: signature, build: (one) => cardOf(one, open) });
  const groups = grouped(units.filter((one) => !large.has(one)));
  keep(byId("groups"), groups, { key: (one) => one.id, sign: (one) => one.id, build: emptyGroup });
  for (const group of groups) drawGroup(byId("groups").known.get(group.id).element, group, open);
}

/** Units of the registry and of the data, with their scores in the shown mode and their open alerts. */
function allUnits() {
  const shown = mode();
  const alerts = new Map();
  for (const one of ofMode(state.alerts)) {
    if (!one.over) alerts.set(one.unit_id, (alerts.get(one.unit_id) ?? 0) + 1);
  }
  const ids = new Set(state.places.keys());
  for (const one of state.tiles.values()) if (one.mode === shown) ids.add(one.unit_id);
  return [...ids].map((id) => {
    const tile = state.tiles.get(`${shown}/${id}`);
    const fresh = tile !== undefined && tile.score !== null && !isStale(tile);
    return { id, place: state.places.get(id), tile, fresh, colour: fresh ? tile.colour : "none", alerts: alerts.get(id) ?? 0 };
  });
}

function grouped(units) {
  if (order === "score") return [{ id: "all", area: null, units: units.sort(worstFirst) }];
  const groups = new Map();
  for (const unit of units) {
    const id = unit.id.split(".").slice(0, 2).join(".");
    if (!groups.has(id)) groups.set(id, { id, area: state.areas.get(`${mode()}/${id}`), units: [] });
    groups.get(id).units.push(unit);
  }
  for (const group of groups.values()) group.units.sort(worstFirst);
  return [...groups.values()].sort((a, b) => a.id.localeCompare(b.id));
}

const byName = (a, b) => a.id.localeCompare(b.id);
const rank = (one) => (one.fresh ? COLOURS.indexOf(one.colour) : -1);

function worstFirst(a, b) {
  const score = order === "score" && a.fresh && b.fresh ? a.tile.score - b.tile.score : 0;
  return rank(b) - rank(a) || b.alerts - a.alerts || score || byName(a, b);
}

const number = (one) => (one.fresh ? whole(one.tile.score) : "–");
const signature = (one) =>
  [number(one), one.colour, one.alerts, one.tile?.trend, one.tile?.change, one.place?.name_zh, one.fresh && Object.values(one.tile.domains).map(Math.floor)].join();

function spokenName(one) {
  const name = unitName(one.id);
  const score = one.fresh ? `score ${number(one)}, ${one.colour}${spokenTrend(one.tile.trend)}` : "no data";
  const alerts = one.alerts ? `, ${one.alerts} open alert${one.alerts > 1 ? "s" : ""}` : "";
  return `${name.zh} ${name.en}: ${score}${alerts}`;
}

function cardOf(one, open) {
  const name = unitName(one.id);
  const domains = one.fresh ? Object.entries(one.tile.domains).sort((a, b) => a[1] - b[1]) : [];
  return make(
    "button",
    { type: "button", class: `unit ${one.colour}`, "aria-label": spokenName(one), data: { unit: one.id }, on: { click: () => open("unit", one.id) } },
    make("span", { class: "unit-name" }, make("strong", { lang: "zh-Hans", text: name.zh }), make("span", { class: "en muted", text: name.en })),
    make("span", { class: "unit-score" }, make("strong", { text: number(one) }), one.fresh && arrowOf(one.tile), make("span", { text: one.fresh ? `${COLOUR_WORDS[one.colour]} ${one.colour}` : "无数据 no data" })),
    make("span", { class: "unit-domains" }, ...domains.slice(0, 4).map(([id, score]) => make("span", { class: colourOf(score), title: DOMAINS[id]?.[1], text: `${DOMAINS[id]?.[0] ?? id} ${whole(score)}` }))),
    one.alerts > 0 && make("span", { class: "unit-alerts", text: `⚠ ${one.alerts}` }),
  );
}

function emptyGroup() {
  return make("section", { class: "group" }, make("h3"), make("div", { class: "tiles", role: "group", on: { keydown: move } }));
}

function drawGroup(element, group, open) {
  const [title, tiles] = element.children;
  const { area } = group;
  title.hidden = group.id === "all";
  const names = area ? [area.name_zh, area.name_en] : [group.id.split(".").at(-1), ""];
  const score = area && area.overall !== null ? whole(area.overall) : "";
  keep(title, [group], {
    key: () => "title",
    sign: () => `${names} ${score} ${area?.trend} ${area?.change} ${group.units.length}`,
    build: () =>
      make("span", {}, both(...names), score && make("span", { class: `score ${area.colour}`, text: score }), score && arrowOf(area), make("span", { class: "count", text: String(group.units.length) })),
  });
  tiles.setAttribute("aria-label", group.id === "all" ? "All units, the worst first" : `Units of ${names[1] || names[0]}`);
  keep(tiles, group.units, { key: (one) => one.id, sign: signature, build: (one) => tileOf(one, open) });
  if (!tiles.querySelector("[tabindex='0']")) tiles.firstChild?.setAttribute("tabindex", "0");
}

function tileOf(one, open) {
  return make("button", {
    type: "button",
    class: `tile ${one.colour}${one.alerts ? " alerted" : ""}`,
    tabindex: -1,
    title: spokenName(one),
    "aria-label": spokenName(one),
    data: { unit: one.id },
    text: number(one),
    on: { click: () => open("unit", one.id) },
  });
}

/** One stop of the tabulator for a group; arrows go from tile to tile. */
function move(event) {
  const tiles = [...event.currentTarget.children];
  const at = tiles.indexOf(document.activeElement);
  const columns = tiles.findIndex((tile) => tile.offsetTop > tiles[0].offsetTop);
  const row = columns > 0 ? columns : tiles.length;
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + row, ArrowUp: at - row, Home: 0, End: tiles.length - 1 }[event.key];
  if (at < 0 || to === undefined || !tiles[to]) return;
  event.preventDefault();
  tiles[at].setAttribute("tabindex", "-1");
  tiles[to].setAttribute("tabindex", "0");
  tiles[to].focus();
}
