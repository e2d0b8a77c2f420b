// The page: who you are, which channel is open, and what has been said there.

import { startClicks } from "./clicks.js";
import { fill, focusComposer, setCommands, setPlaceholder, startComposer } from "./composer.js";
import { follow, post, readState } from "./connection.js";
import { avatar, byId, element, icon } from "./dom.js";
import { drawTabs, openHome, showHome, startTabs } from "./home.js";
import { ScrollingList } from "./list.js";
import { channelRows, retryVideos } from "./messages.js";
import { leave, showModals } from "./modals.js";
import { Read } from "./read.js";
import { setShortcuts } from "./shortcuts.js";
import { drawChannels, drawPeople } from "./sidebar.js";
import { closeThread, drawThread, startThread } from "./thread.js";

const HINTS = "klingbot.hints-dismissed";
const HOME = "marketing"; // where the sample budget and the first steps are

const view = { you: null, people: new Map(), channels: [], messages: new Map(), current: null, atHome: false };
const read = new Read();
const list = new ScrollingList(byId("scroll"), byId("messages"), (waiting) => {
  byId("newest").hidden = !waiting;
});
let unfollow = () => {};

// --- what comes from the server ---------------------------------------------------------------------

function onState(state) {
  byId("lost").hidden = true;
  byId("workspace").textContent = state.workspace;
  setPeople(state.people);
  view.channels = state.channels;
  view.messages = new Map(
    state.channels.map(({ id, messages }) => [id, new Map(messages.map((message) => [message.ts, message]))]),
  );
  setCommands(state.commands);
  setShortcuts(state.shortcuts);
  open(view.channels.some(({ id }) => id === view.current) ? view.current : wantedChannel());
  retryVideos();
  if (view.atHome) openHome(view.you);
}

function setPeople(people) {
  view.people = new Map(people.map((person, place) => [person.id, { ...person, place }]));
}

function onChange({ kind, message, modals, home }) {
  if (kind === "home") return showHome(home);
  if (kind === "modals") return showModals(modals, view.you, view.current);
  const messages = view.messages.get(message.channel);
  if (!messages) return;
  if (kind === "deleted") messages.delete(message.ts);
  else messages.set(message.ts, message);
  draw();
}

function onLost() {
  byId("lost").hidden = false;
}

// --- what the person does ---------------------------------------------------------------------------

function become(you) {
  if (you === view.you) return;
  unfollow();
  view.you = you;
  leave();
  showHome(null);
  closeThread();
  list.clear();
  drawPeople([...view.people.values()], you, become);
  unfollow = follow(you, { onState, onChange, onLost });
}

function open(id) {
  if (id !== view.current) {
    view.atHome = false;
    closeThread();
    list.clear();
  }
  view.current = id;
  const channel = currentChannel();
  byId("channel").replaceChildren(...channelTitle(channel));
  byId("topic").textContent = channel.topic;
  const name = channel.with ? view.people.get(channel.with).real_name : `#${channel.name}`;
  setPlaceholder(channel.is_archived ? `${name} is archived` : `Message ${name}`, channel.is_archived);
  byId("trouble").hidden = true;
  showSidebar(false);
  writeHash(channel);
  draw();
}

function pickTab(atHome) {
  view.atHome = atHome;
  draw();
  if (atHome) openHome(view.you);
}

function openByHand(id) {
  open(id);
  focusComposer();
}

let arrived = Promise.resolve(); // two requests may overtake one another; what was typed first is said first

async function onSend(text, { thread = null, ...more } = {}) {
  const typed = { as: view.you, channel: view.current, text, thread, ...more };
  arrived = arrived.then(() => post("/page/send", typed));
  const { trouble } = await arrived;
  say(trouble);
  if (trouble === null && !thread) list.toBottom();
  return trouble === null;
}

/** Above the composer; null when all is well. */
function say(trouble) {
  byId("trouble").hidden = trouble === null;
  byId("trouble").textContent = trouble ?? "";
}

// --- drawing ----------------------------------------------------------------------------------------

function draw() {
  const channel = currentChannel();
  const messages = [...view.messages.get(channel.id).values()];
  if (!document.hidden) read.upTo(view.you, channel.id, messages);
  list.draw(channelRows({ key: channel.id, build: () => intro(channel) }, messages, view.people));
  drawThread(channel.with ? "" : `#${channel.name}`, view.messages.get(channel.id), view.people);
  drawTabs(Boolean(channel.with), view.atHome);
  drawChannels(view.channels, view.people, channel.id, isUnread, openByHand);
  const unread = view.channels.filter(isUnread).length;
  const name = channel.with ? view.people.get(channel.with).real_name : `#${channel.name}`;
  document.title = `${unread ? `(${unread}) ` : ""}${name} · ${byId("workspace").textContent}`;
}

function isUnread(channel) {
  return read.isUnread(view.you, channel.id, [...view.messages.get(channel.id).values()]);
}

function channelTitle(channel) {
  const app = view.people.get(channel.with);
  if (!app) return [icon(channel.is_private ? "lock" : "hash"), channel.name];
  return [avatar(app), app.real_name, element("span", { className: "badge" }, "APP")];
}

function intro(channel) {
  const app = view.people.get(channel.with);
  const words = app
    ? `This is between you and ${app.real_name}. It answers to /kling, here and in every channel.`
    : `This is the very beginning of #${channel.name}. ${channel.topic ? `${channel.topic}.` : ""}`;
  return element("li", { className: "intro" }, element("h2", {}, ...channelTitle(channel)), element("p", {}, words));
}

function currentChannel() {
  return view.channels.find(({ id }) => id === view.current);
}

function showSidebar(shown) {
  document.body.classList.toggle("sidebar-open", shown);
  byId("menu").setAttribute("aria-expanded", String(shown));
}

// --- the address: #alice/general, or #/general for whoever one is --------------------------------------------------------------------

function hashParts() {
  return decodeURIComponent(location.hash.slice(1)).split("/");
}

function wantedPerson() {
  const [name] = hashParts();
  return [...view.people.values()].find((person) => person.name === name && !person.is_bot)?.id;
}

function wantedChannel() {
  const [, name] = hashParts();
  return (channelNamed(name) ?? channelNamed(HOME) ?? view.channels[0]).id;
}

function channelNamed(name) {
  return view.channels.find((channel) => channel.name === name);
}

function writeHash(channel) {
  const hash = `#${view.people.get(view.you).name}/${channel.name}`;
  if (location.hash === hash) return;
  // Part of an address (none, #alice, #/finance) is made whole in its place: as a step of its own, Back would end there.
  const isWhole = hashParts().filter(Boolean).length === 2;
  if (isWhole) window.history.pushState(null, "", hash);
  else window.history.replaceState(null, "", hash);
}

function onHash() {
  const you = wantedPerson() ?? view.you;
  if (you === view.you) return open(wantedChannel());
  view.current = null;
  become(you);
}

// --- start ------------------------------------------------------------------------------------------

function startHints() {
  byId("hints").hidden = localStorage.getItem(HINTS) !== null;
  byId("dismiss").addEventListener("click", () => {
    localStorage.setItem(HINTS, "yes");
    byId("hints").hidden = true;
  });
  for (const example of byId("hints").querySelectorAll("button:not(#dismiss)")) {
    example.addEventListener("click", () => {
      const place = channelNamed(example.dataset.channel);
      if (place) open(place.id);
      fill(example.textContent);
    });
  }
}

/** Learn who is there, then be one of them. */
async function enter() {
  try {
    const state = await readState();
    setPeople(state.people);
    become(wantedPerson() ?? state.you);
  } catch {
    onLost();
    setTimeout(enter, 1000);
  }
}

function start() {
  startHints();
  startComposer(onSend);
  startClicks(() => view.you, say);
  startThread(draw, onSend);
  startTabs(pickTab);
  byId("newest").addEventListener("click", () => list.toBottom());
  byId("menu").addEventListener("click", () => showSidebar(!document.body.classList.contains("sidebar-open")));
  document.querySelector("main").addEventListener("click", () => showSidebar(false));
  window.addEventListener("popstate", onHash);
  document.addEventListener("visibilitychange", () => view.current && draw());
  document.addEventListener("keydown", (event) => event.key === "Escape" && showSidebar(false));
  enter();
}

start();
