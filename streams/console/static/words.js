// What the interface says, in Chinese and English, and how it writes numbers and times.

export const COLOURS = ["green", "blue", "yellow", "orange", "red"];
export const COLOUR_WORDS = { green: "绿", blue: "蓝", yellow: "黄", orange: "橙", red: "红" };
export const DOMAINS = {
  safety: ["安全", "safety"],
  environment: ["环境", "environment"],
  mobility: ["交通", "mobility"],
  utilities: ["市政", "utilities"],
  building: ["楼宇", "building"],
  "public-space": ["公共空间", "public space"],
  care: ["民生", "care"],
  crowd: ["客流", "crowd"],
};
export const STATES = {
  UNACK: ["未确认", "not acknowledged"],
  ACKED: ["已确认", "acknowledged"],
  RTNUN: ["已恢复待确认", "cleared, not acknowledged"],
  NORM: ["已恢复", "back to normal"],
  SHLVD: ["已搁置", "shelved"],
  DSUPR: ["已抑制", "suppressed"],
  OOSRV: ["停用", "out of service"],
};
export const QUIET = new Set(["SHLVD", "DSUPR", "OOSRV"]);
export const CERTAINTIES = {
  Observed: ["已观测", "observed"], Likely: ["很可能", "likely"], Possible: ["可能", "possible"],
  Unlikely: ["不太可能", "unlikely"], Unknown: ["未知", "unknown"],
};
export const LINE = [
  ["registered", "登记", "registered"], ["verified", "核实", "verified"], ["filed", "立案", "filed"],
  ["dispatched", "派遣", "dispatched"], ["accepted", "接单", "accepted"], ["handling", "处置", "handling"],
  ["handled", "反馈", "handled"], ["checked", "核查", "checked"], ["closed", "结案", "closed"],
];
export const OTHER_STEPS = { rejected: ["不予受理", "rejected"], merged: ["已合并", "merged"], reopened: ["重新打开", "reopened"] };
export const TIERS = {
  unit: ["单元", "unit"], grid: ["网格", "grid"], subdistrict: ["街道", "subdistrict"], district: ["区", "district"], city: ["市", "city"],
};
export const MODES = { actual: ["实况", "ACTUAL"], exercise: ["演练", "EXERCISE"], test: ["测试", "TEST"] };
export const LINKS = {
  reading: ["读数", "reading"], anomaly: ["异常", "anomaly"], alert: ["告警", "alert"], step: ["环节", "step"],
  feedback: ["反馈", "feedback"], verification: ["核验", "verification"],
};
export const FEEDBACK = {
  accept: ["接单", "accept"], refuse: ["退单", "refuse"], arrive: ["到场", "arrive"], progress: ["进展", "progress"],
  done: ["办结", "done"], check: ["核查", "check"], reopen: ["重开", "reopen"],
};

export const stepWords = (step) => OTHER_STEPS[step] ?? LINE.find(([id]) => id === step)?.slice(1) ?? [step, step];
export const pair = (table, id) => table[id] ?? [id, id];
export const colourOf = (score) => (score >= 80 ? "green" : score >= 60 ? "blue" : score >= 40 ? "yellow" : score >= 20 ? "orange" : "red");
// Rounded down, so that the number never shows a better colour than the score has.
export const whole = (score) => String(Math.floor(score));

const UNITS = { "/": "", Cel: "°C", "ug/m3": "µg/m³", "/m2": "per m²" };

/** A value with its unit, as people write it. */
export function quantity(value, unit) {
  const size = Math.abs(value);
  const text = value.toLocaleString("en", { maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : 2 });
  const symbol = UNITS[unit] ?? unit;
  return symbol ? `${text} ${symbol}` : text;
}

/** A length of time in the two units that matter. */
export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 120) return `${s} s`;
  if (s < 7_200) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  if (s < 172_800) return `${Math.floor(s / 3_600)} h ${String(Math.floor((s % 3_600) / 60)).padStart(2, "0")} min`;
  return `${Math.floor(s / 86_400)} d`;
}

/** Milliseconds since 1970 of an RFC 3339 time with up to nine decimals. */
export const millis = (text) => Date.parse(text.replace(/(\.\d{3})\d+Z$/, "$1Z"));
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit" });

/** The local time of day, with the date where it is another day than `now` (ms). */
export function clock(text, now) {
  const time = new Date(millis(text));
  const day = DAY.format(time);
  return day === DAY.format(new Date(now)) ? CLOCK.format(time) : `${day} ${CLOCK.format(time)}`;
}
