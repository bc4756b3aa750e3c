// The district as the server last told it: pictures are merged here, views read from here.

import { millis } from "./words.js";

const ORDER = ["actual", "exercise", "test"];
const OVER_KEPT = 60;

export const state = {
  session: { role: "", csrf: "", may: [] },
  catalogue: { scenarios: {}, indicators: {}, quantities: {} },
  caughtUp: false,
  unreadable: 0,
  clocks: new Map(),
  areas: new Map(),
  tiles: new Map(),
  places: new Map(),
  alerts: new Map(),
  cases: new Map(),
  chosenMode: null,
  offset: 0,
};

/** Take a picture: all of it anew, or what has changed. */
export function merge(picture) {
  if (picture.full) for (const kind of ["clocks", "areas", "tiles", "places", "alerts", "cases"]) state[kind].clear();
  state.caughtUp = picture.caught_up;
  state.unreadable = picture.unreadable;
  for (const [kind, ids] of Object.entries(picture.gone)) for (const id of ids) state[kind].delete(id);
  for (const one of picture.clocks) state.clocks.set(one.mode, one);
  for (const one of picture.areas) state.areas.set(`${one.mode}/${one.area_id}`, one);
  for (const one of picture.tiles) state.tiles.set(`${one.mode}/${one.unit_id}`, one);
  for (const one of picture.places) state.places.set(one.unit_id, one);
  for (const one of picture.full ? picture.alerts.toReversed() : picture.alerts) put(state.alerts, one.alert_id, one);
  for (const one of picture.full ? picture.cases.toReversed() : picture.cases) put(state.cases, one.case_id, one);
  forget(state.alerts);
  forget(state.cases);
}

/** Server time in ms: ages and countdowns must not depend on the clock of this machine. */
export const now = () => Date.now() + state.offset;

export function setTime(text) {
  state.offset = millis(text) - Date.now();
}

/** The mode that is shown: the chosen one, else the actual one as soon as there is anything actual. */
export function mode() {
  const there = modes();
  return there.includes(state.chosenMode) ? state.chosenMode : (there[0] ?? "actual");
}

export function modes() {
  const seen = new Set(state.clocks.keys());
  for (const one of state.alerts.values()) if (!one.over) seen.add(one.mode);
  for (const one of state.cases.values()) if (!one.over) seen.add(one.mode);
  return ORDER.filter((one) => seen.has(one));
}

export const ofMode = (map) => [...map.values()].filter((one) => one.mode === mode());
export const may = (right) => state.session.may.includes(right);
export const scenarioName = (id) => state.catalogue.scenarios[id]?.name ?? { zh: id, en: id };

/** A unit's names; where the registry has none, the last label of its id. */
export function unitName(unitId) {
  const place = state.places.get(unitId);
  const label = unitId.split(".").at(-1);
  return place ? { zh: place.name_zh, en: place.name_en } : { zh: label, en: label };
}

/** Whether a unit's newest window has fallen behind those of the others. */
export function isStale(tile) {
  const clock = state.clocks.get(tile.mode);
  return clock !== undefined && millis(clock.window_end) - millis(tile.window_end) > 3_000 * clock.window_s;
}

function put(map, id, one) {
  const known = map.get(id);
  if (known && known.version >= one.version) return;
  map.delete(id);
  map.set(id, one);
}

function forget(map) {
  const over = [...map].filter(([, one]) => one.over).map(([id]) => id);
  for (const id of over.slice(0, -OVER_KEPT)) map.delete(id);
}
