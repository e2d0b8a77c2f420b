// Where people type: Enter sends, "/" opens the menu of commands, ArrowUp brings back what was sent.

import { byId } from "./dom.js";
import { Menu } from "./menu.js";

const HISTORY = "klingbot.sent";
const HISTORY_LENGTH = 50;

const form = byId("composer");
const field = byId("text");
const button = byId("send");
const menu = new Menu(byId("composer-menu"), field, fill);

const history = JSON.parse(sessionStorage.getItem(HISTORY) ?? "[]");
let recalled = history.length; // the place in history that is shown; its length when none is

/** `onSend(text, more)` resolves to true when the text was taken; otherwise it comes back to be mended. */
export function startComposer(onSend) {
  field.addEventListener("input", typed);
  field.addEventListener("keydown", (event) => pressed(event));
  field.addEventListener("blur", () => menu.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(onSend);
  });
  byId("slash").addEventListener("mousedown", (event) => event.preventDefault());
  byId("slash").addEventListener("click", () => fill(field.value.startsWith("/") ? field.value : "/"));
  byId("attach").addEventListener("click", () => byId("picture").click());
  byId("picture").addEventListener("change", () => sendPicture(onSend));
  typed();
}

export function setCommands(commands) {
  menu.commands = commands;
}

export function setPlaceholder(words, disabled) {
  field.placeholder = words;
  field.ariaLabel = words;
  field.disabled = disabled;
}

/** Ready to type; not on touch screens, where that would raise the keyboard. */
export function focusComposer() {
  if (matchMedia("(pointer: fine)").matches) field.focus();
}

/** Put a text into the composer, ready to be sent or changed. */
export function fill(text) {
  field.value = text;
  field.focus();
  field.setSelectionRange(text.length, text.length);
  typed();
}

function typed() {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
  button.disabled = !field.value.trim();
  if (field.value !== history[recalled]) recalled = history.length;
  menu.suggest(field.value);
}

function pressed(event) {
  if (event.isComposing) return;
  if (menu.pressed(event)) event.preventDefault();
  else if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.key === "ArrowUp" && isRecalling()) recall(event, recalled - 1);
  else if (event.key === "ArrowDown" && isRecalling() && field.value) recall(event, recalled + 1);
}

function isRecalling() {
  return !field.value || field.value === history[recalled];
}

function recall(event, place) {
  if (place < 0 || place > history.length) return;
  event.preventDefault();
  recalled = place;
  fill(history[place] ?? "");
  menu.close();
}

/** The picture goes at once, with the words that stand in the composer. */
async function sendPicture(onSend) {
  const [file] = byId("picture").files;
  if (!file) return;
  const text = field.value.trim();
  const bytes = new Uint8Array(await file.arrayBuffer());
  const picture = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  byId("picture").value = "";
  if (await onSend(text, { picture, name: file.name })) fill("");
}

async function submit(onSend) {
  const text = field.value.trim();
  if (!text) return;
  fill("");
  if (!(await onSend(text))) {
    if (!field.value) fill(text);
    return;
  }
  if (history.at(-1) !== text) history.push(text);
  history.splice(0, history.length - HISTORY_LENGTH);
  recalled = history.length;
  sessionStorage.setItem(HISTORY, JSON.stringify(history));
}
