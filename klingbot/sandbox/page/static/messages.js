// The conversation: rows by author and day. A row is only touched when it changes, so that videos play on.

import { avatar, byId, element, icon } from "./dom.js";

const GROUP_SECONDS = 300;
const NEAR_BOTTOM_PIXELS = 60;

const scroll = byId("scroll");
const list = byId("messages");
const newest = byId("newest");
const rows = new Map(); // key → { node, signature }
let end = 0; // the scrollTop of the bottom, as it was when last drawn

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium" });

scroll.addEventListener("scroll", () => {
  if (isAtBottom()) newest.hidden = true;
});
newest.addEventListener("click", toBottom);
list.addEventListener(
  "loadedmetadata",
  ({ target }) => target.classList.toggle("tall", target.videoHeight > target.videoWidth),
  true, // media events do not bubble
);
const resized = new ResizeObserver(() => settle(isAtBottom())); // a video that has arrived, a window made smaller
resized.observe(list);
resized.observe(scroll);

export function toBottom() {
  settle(true);
}

/**
 * Whether the reader is at the bottom. Asked of the live position, because a scroll event comes a frame late; and
 * what has grown since the last drawing does not count, because it moved the bottom away from the reader.
 */
function isAtBottom() {
  return Math.min(end, bottom()) - scroll.scrollTop < NEAR_BOTTOM_PIXELS;
}

function bottom() {
  return scroll.scrollHeight - scroll.clientHeight;
}

/** After the list or the window has changed: take along a reader who was at the bottom. */
function settle(wasAtBottom) {
  end = bottom();
  if (!wasAtBottom) return;
  scroll.scrollTop = end;
  newest.hidden = true;
}

/** Forget what was drawn: another channel or another person comes next. */
export function clearMessages() {
  rows.clear();
  list.replaceChildren();
  toBottom();
}

/** Make the list show these messages; scrolls along only for someone who was at the bottom. */
export function drawMessages(intro, messages, people) {
  const before = rows.size;
  const wasAtBottom = isAtBottom();
  const wanted = wantedRows(intro, inReadingOrder(messages), people);
  const keep = new Map(wanted.map((row) => [row.key, row.signature]));
  for (const [key, row] of rows) {
    if (keep.get(key) === row.signature) continue;
    row.node.remove();
    rows.delete(key);
  }
  wanted.forEach((row, place) => {
    if (!rows.has(row.key)) rows.set(row.key, { node: row.build(), signature: row.signature });
    const { node } = rows.get(row.key);
    node.classList.toggle("continued", Boolean(row.continued));
    if (list.children[place] !== node) list.insertBefore(node, list.children[place] ?? null);
  });
  settle(wasAtBottom);
  if (!wasAtBottom && rows.size > before) newest.hidden = false;
}

/** By time, with the replies of a thread right below what they answer. */
function inReadingOrder(messages) {
  const root = (message) => message.thread_ts ?? message.ts;
  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return [...messages].sort((a, b) => order(root(a), root(b)) || order(a.ts, b.ts));
}

function wantedRows(intro, messages, people) {
  const wanted = [{ key: "intro", signature: intro.key, build: intro.build }];
  let previous = null;
  for (const message of messages) {
    const date = dayOf(message);
    if (!isReply(message) && date !== (previous && dayOf(previous))) {
      wanted.push({ key: date, signature: dayLabel(message), build: () => divider(dayLabel(message)) });
    }
    wanted.push({
      key: message.ts,
      signature: JSON.stringify(message),
      continued: continues(previous, message),
      build: () => messageRow(message, people.get(message.user)),
    });
    previous = message;
  }
  return wanted;
}

function continues(previous, message) {
  return Boolean(previous)
    && previous.user === message.user
    && previous.ephemeral === message.ephemeral
    && isReply(previous) === isReply(message)
    && dayOf(previous) === dayOf(message)
    && Number(message.ts) - Number(previous.ts) < GROUP_SECONDS;
}

function messageRow(message, person = { id: message.user, real_name: message.user }) {
  const when = moment(message);
  const row = element(
    "li",
    { className: "message", "data-testid": "message", "data-ts": message.ts, "data-channel": message.channel, "data-ephemeral": message.ephemeral },
    element("div", { className: "gutter" }, avatar(person), element("time", { className: "aside" }, clock.format(when))),
    body(message, person, when),
  );
  row.classList.toggle("ephemeral", message.ephemeral);
  row.classList.toggle("reply", isReply(message));
  return row;
}

function body(message, person, when) {
  const byline = element("div", { className: "byline" }, element("b", {}, person.real_name));
  if (person.is_app) byline.append(element("span", { className: "badge" }, "APP"));
  byline.append(element("time", { dateTime: when.toISOString(), title: full.format(when) }, clock.format(when)));

  const said = element("div", { className: "said", "data-testid": "message-text" });
  said.innerHTML = message.html; // made by the server, where everything is escaped
  const node = element("div", { className: "body" }, byline, said);
  if (message.edited) node.append(element("small", { className: "edited" }, "(edited)"));
  if (message.ephemeral) {
    node.prepend(element("div", { className: "only-you" }, icon("eye"), "Only visible to you"));
  }
  return node;
}

function divider(label) {
  return element("li", { className: "day" }, element("span", {}, label));
}

function isReply(message) {
  return Boolean(message.thread_ts) && message.thread_ts !== message.ts;
}

function moment(message) {
  return new Date(Number(message.ts) * 1000);
}

function dayOf(message) {
  return moment(message).toDateString();
}

function dayLabel(message) {
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (dayOf(message) === today.toDateString()) return "Today";
  if (dayOf(message) === yesterday.toDateString()) return "Yesterday";
  return day.format(moment(message));
}
