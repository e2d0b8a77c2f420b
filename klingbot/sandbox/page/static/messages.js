// Messages as rows: by author and day in a channel, or one thread by itself.

import { avatar, element, icon } from "./dom.js";
import { messageShortcuts } from "./shortcuts.js";

const GROUP_SECONDS = 300;
const FACES = 3; // how many of those who replied are shown below a message

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium" });

document.addEventListener(
  "loadedmetadata",
  ({ target }) => target.classList.toggle("tall", target.videoHeight > target.videoWidth),
  true, // media events do not bubble
);

/** Videos that could not be loaded while the sandbox was away: once more, for the browser would never try by itself. */
export function retryVideos() {
  for (const video of document.querySelectorAll("video")) if (video.error) video.load();
}

/** What a channel shows: everything but the replies, which are behind the message that they answer. */
export function channelRows(intro, messages, people) {
  const replies = byThread(messages);
  const wanted = [{ key: "intro", signature: intro.key, build: intro.build }];
  let previous = null;
  for (const message of inOrder(messages.filter((message) => !isReply(message) || message.broadcast))) {
    const date = dayOf(message);
    if (date !== (previous && dayOf(previous))) {
      wanted.push({ key: date, signature: dayLabel(message), build: () => divider(dayLabel(message)) });
    }
    wanted.push(row(message, previous, people, replies.get(message.ts) ?? []));
    previous = message;
  }
  return wanted;
}

/** One message and what was replied to it. */
export function threadRows(root, messages, people) {
  const replies = byThread(messages).get(root.ts) ?? [];
  const count = plural(replies.length);
  const wanted = [row(root, null, people, [])];
  if (replies.length) wanted.push({ key: "replies", signature: count, build: () => divider(count) });
  replies.forEach((message, place) => wanted.push(row(message, replies[place - 1] ?? null, people, [])));
  return wanted;
}

function row(message, previous, people, replies) {
  const author = people.get(message.user) ?? { id: message.user, real_name: message.user };
  return {
    key: message.ts,
    signature: JSON.stringify([message, replies.map(({ ts }) => ts)]),
    continued: continues(previous, message),
    build: () => messageRow(message, author, replies.length ? thread(replies, people) : null),
  };
}

function byThread(messages) {
  const replies = new Map();
  for (const message of inOrder(messages.filter(isReply))) {
    replies.set(message.thread_ts, [...(replies.get(message.thread_ts) ?? []), message]);
  }
  return replies;
}

function inOrder(messages) {
  return [...messages].sort((a, b) => (a.ts < b.ts ? -1 : 1));
}

/** Whether it stands under the byline of the one before. Private answers never do: each belongs to its own command. */
function continues(previous, message) {
  return Boolean(previous)
    && previous.user === message.user
    && !previous.ephemeral && !message.ephemeral
    && !message.broadcast
    && dayOf(previous) === dayOf(message)
    && Number(message.ts) - Number(previous.ts) < GROUP_SECONDS;
}

function messageRow(message, person, replies) {
  const when = moment(message);
  const node = element(
    "li",
    {
      className: "message",
      "data-testid": "message",
      "data-ts": message.ts,
      "data-channel": message.channel,
      "data-ephemeral": message.ephemeral,
    },
    element("div", { className: "gutter" }, avatar(person), element("time", { className: "aside" }, clock.format(when))),
    body(message, person, when),
  );
  if (replies) node.querySelector(".body").append(replies);
  if (!message.ephemeral) node.append(tools(message));
  node.classList.toggle("ephemeral", message.ephemeral);
  return node;
}

function body(message, person, when) {
  const byline = element("div", { className: "byline" }, element("b", {}, person.real_name));
  if (person.is_app) byline.append(element("span", { className: "badge" }, "APP"));
  byline.append(element("time", { dateTime: when.toISOString(), title: full.format(when) }, clock.format(when)));

  const said = element("div", { className: "said", "data-testid": "message-text" });
  said.innerHTML = message.html; // made by the server, where everything is escaped
  const node = element("div", { className: "body" }, byline, said);
  if (message.edited) node.append(element("small", { className: "edited" }, "(edited)"));
  if (message.broadcast) {
    const words = { type: "button", className: "in-thread", "data-thread": message.thread_ts };
    said.before(element("button", words, "replied to a thread"));
  }
  if (message.ephemeral) {
    node.prepend(element("div", { className: "only-you" }, icon("eye"), "Only visible to you"));
  }
  return node;
}

/** What can be done with a message; shown when it is pointed at, or reached with the keyboard. */
function tools(message) {
  const reply = element(
    "button",
    {
      type: "button",
      className: "icon-button",
      title: "Reply in thread",
      "aria-label": "Reply in thread",
      "data-thread": message.thread_ts ?? message.ts,
    },
    icon("thread"),
  );
  return element("div", { className: "message-tools" }, ...messageShortcuts(), reply);
}

/** The way from a message to its replies. */
function thread(replies, people) {
  const authors = [...new Set(replies.map(({ user }) => user))].map((user) => people.get(user)).filter(Boolean);
  return element(
    "button",
    { type: "button", className: "thread-link", "data-testid": "thread-link", "data-thread": replies[0].thread_ts },
    ...authors.slice(0, FACES).map(avatar),
    element("b", {}, plural(replies.length)),
    element("span", {}, `Last reply ${dayLabel(replies.at(-1)).toLowerCase()} at ${clock.format(moment(replies.at(-1)))}`),
  );
}

function plural(count) {
  return count === 1 ? "1 reply" : `${count} replies`;
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
