// Where a score is going: an arrow, and the curve of its hour.

import { make } from "./dom.js";
import { span } from "./words.js";

const WORDS = { up: ["↑", "上升", "rising"], steady: ["→", "平稳", "steady"], down: ["↓", "下降", "falling"] };
const WIDTH = 240;
const HEIGHT = 48;
const STEPS = 59; // between the sixty values of an hour

/** An arrow; `change` points in `seconds` stand in its title. Nothing where too little is known. */
export function arrow(trend, change, seconds) {
  const words = WORDS[trend];
  if (!words) return null;
  const [sign, zh, en] = words;
  const title = typeof change === "number" ? `${zh} ${en}: ${signed(change)} 分 points / ${span(seconds)}` : `${zh} ${en}`;
  return make("span", { class: `trend ${trend}`, role: "img", "aria-label": `${zh} ${en}`, title, text: sign });
}

/** The arrow of a tile or an area. */
export const arrowOf = (one) => arrow(one.trend, one.change, one.change_s);

/** What an arrow says, to go on in a spoken sentence. */
export const spokenTrend = (trend) => (WORDS[trend] ? `, ${WORDS[trend][2]}` : "");

const signed = (change) => `${change > 0 ? "+" : change < 0 ? "−" : "±"}${Math.abs(change)}`;

/** The hour of a score as a curve from 0 to 100, the newest minute at the right; it breaks where nothing is known. */
export function sparkline(hour) {
  const known = hour.scores.filter((score) => score !== null);
  if (known.length < 2) return null;
  const first = STEPS - hour.scores.length + 1;
  const place = (score, at) => `${(((first + at) / STEPS) * WIDTH).toFixed(1)} ${((1 - score / 100) * HEIGHT).toFixed(1)}`;
  const path = hour.scores.map((score, at) => score === null ? "" : `${typeof hour.scores[at - 1] === "number" ? "L" : "M"}${place(score, at)}`).join("");
  const ends = [Math.min(...known), Math.max(...known)].map((score) => Math.floor(score));
  const length = span((hour.scores.length - 1) * hour.step_s);
  const label = `总分 overall score, ${length}: ${ends[0]}–${ends[1]}`;
  return make(
    "svg:svg",
    { class: "sparkline", role: "img", "aria-label": label, viewBox: `-2 -2 ${WIDTH + 4} ${HEIGHT + 4}` },
    make("svg:title", { text: label }),
    ...[20, 40, 60, 80].map((score) => make("svg:path", { class: "level", d: `M0 ${(1 - score / 100) * HEIGHT}H${WIDTH}` })),
    make("svg:path", { class: "curve", d: path }),
  );
}
