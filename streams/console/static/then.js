// A unit as it was: which time, and of its twin what belongs to the shown mode.

import { both, make } from "./dom.js";
import { now } from "./state.js";
import { millis } from "./words.js";

/** Milliseconds since 1970 as a field for local time takes them. */
const local = (ms) => new Date(ms - 60_000 * new Date(ms).getTimezoneOffset()).toISOString().slice(0, 19);

/** A field for a time and a button; `show` is called with an RFC 3339 time, or "" for now. */
export function timePicker(at, show) {
  const value = local(at ? millis(at) : now());
  const when = make("input", { type: "datetime-local", name: "at", step: 1, required: true, value, "aria-label": "Time 时间" });
  const submit = (event) => {
    event.preventDefault();
    show(new Date(when.value).toISOString());
  };
  return make(
    "form",
    { class: "feedback", on: { submit } },
    when,
    make("button", { type: "submit" }, both("当时", "Show then")),
    at && make("button", { type: "button", on: { click: () => show("") } }, both("现在", "Now")),
  );
}

/** A twin of a past time in the shape of a unit's view. */
export function ofThen(twin, mode) {
  const of = (all) => all.filter((one) => one.mode === mode);
  const { indicators, scores, alerts, cases, devices } = twin;
  return {
    ...twin,
    overall: twin.overall[mode],
    indicators: of(indicators),
    scores: of(scores),
    alerts: of(alerts),
    cases: of(cases),
    devices: of(devices),
  };
}
