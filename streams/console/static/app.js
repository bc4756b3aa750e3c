// The page: gets the session and the catalogue, follows the stream, and draws at most once a frame.

import { byId, write } from "./dom.js";
import { drawAlerts } from "./alerts.js";
import { drawCases, dueWords } from "./cases.js";
import { openDetails, refreshDetails } from "./details.js";
import { drawClock, drawHeader } from "./header.js";
import { follow, get } from "./server.js";
import { modes, now, state } from "./state.js";
import { drawUnits, setOrder } from "./units.js";
import { clock, millis, span } from "./words.js";

const LINK_WORDS = { open: "● 实时 live", lost: "○ 连接中断 connection lost, trying again", ended: "○ 会话结束 session ended" };
let waiting = false;
let linked = "connecting";

function draw() {
  waiting = false;
  drawHeader();
  drawAlerts(openDetails, redraw);
  drawCases(openDetails);
  drawUnits(openDetails);
  drawNotice();
  drawTimes();
}

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(draw);
}

function drawNotice() {
  const text = noticeText();
  const notice = byId("notice");
  notice.hidden = text === "";
  write(notice, text);
}

function noticeText() {
  if (linked === "ended") return "会话已结束：请用新的链接打开。 Your session has ended: open the page by a new link of vitals up.";
  if (linked === "lost") return "连接中断，显示的是最后收到的状态。 The connection is lost; what you see is what was last received.";
  if (linked === "connecting") return "";
  if (!state.caughtUp) return "正在读取日志…… Still reading the log; what you see is not complete yet.";
  if (modes().length === 0) {
    const known = state.places.size > 0 ? `${state.places.size} units are registered, ` : "";
    return `暂无数据。 No data yet: ${known}readings have not been judged. Start a simulated district with vitals up, or register devices (vitals registry apply FILE) and send readings (vitals publish). 运行 vitals up，或登记设备后发送读数。`;
  }
  if (state.unreadable > 0) return `${state.unreadable} 条记录无法读取。 ${state.unreadable} records could not be read and are not shown.`;
  return "";
}

/** What changes with time alone: ages, countdowns, the clock. */
function drawTimes() {
  drawClock();
  for (const element of document.querySelectorAll("[data-since]")) {
    const since = element.dataset.since;
    write(element, `${clock(since, now())} (${span((now() - millis(since)) / 1_000)})`);
  }
  for (const element of document.querySelectorAll("[data-due]")) {
    const { late, text } = dueWords(element.dataset.due);
    element.classList.toggle("late", late);
    write(element, text);
  }
}

function onLink(how) {
  if (how === linked) return;
  linked = how;
  document.body.classList.toggle("lost", how !== "open");
  write(byId("link"), LINK_WORDS[how]);
  redraw();
}

function wire() {
  byId("mode").addEventListener("change", (event) => {
    state.chosenMode = event.target.value;
    redraw();
  });
  for (const [id, order] of [["by-place", "place"], ["by-score", "score"]]) {
    byId(id).addEventListener("click", () => {
      setOrder(order);
      redraw();
    });
  }
  byId("details-close").addEventListener("click", () => byId("details").close());
  byId("who").addEventListener("submit", (event) => event.preventDefault());
  byId("by").value = localStorage.getItem("vitals-by") ?? "";
  byId("by").addEventListener("change", (event) => localStorage.setItem("vitals-by", event.target.value.trim()));
  setInterval(drawTimes, 1_000);
  setInterval(refreshDetails, 2_000);
}

async function begin() {
  wire();
  redraw();
  try {
    [state.session, state.catalogue] = await Promise.all([get("/api/session"), get("/api/catalogue")]);
    write(byId("role"), state.session.role);
  } catch {
    onLink("lost");
    setTimeout(() => location.reload(), 3_000);
    return;
  }
  follow(redraw, onLink);
}

begin();
