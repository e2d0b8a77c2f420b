// The pane beside the channel: one message, and the conversation that hangs on it.

import { byId } from "./dom.js";
import { ScrollingList } from "./list.js";
import { threadRows } from "./messages.js";

const pane = byId("thread");
const field = byId("thread-text");
const list = new ScrollingList(byId("thread-scroll"), byId("thread-messages"), () => {});

let root = null; // the ts of the message whose thread is open
let opener = null; // what had the focus before

/** `onChange()` asks for a new drawing; `onSend(text, { thread })` resolves to whether it was taken. */
export function startThread(onChange, onSend) {
  document.addEventListener("click", ({ target }) => {
    const link = target.closest("[data-thread]");
    if (link) open(link.dataset.thread, onChange);
  });
  byId("thread-close").addEventListener("click", closeThread);
  pane.addEventListener("keydown", (event) => event.key === "Escape" && closeThread());
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit(onSend);
  });
  byId("thread-composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit(onSend);
  });
}

export function closeThread() {
  if (root === null) return;
  root = null;
  pane.hidden = true;
  document.body.classList.remove("thread-open");
  opener?.focus();
}

export function drawThread(channel, messages, people) {
  const message = messages.get(root);
  if (!message) return closeThread();
  byId("thread-channel").textContent = channel;
  list.draw(threadRows(message, [...messages.values()], people));
}

function open(ts, onChange) {
  if (root !== ts) list.clear();
  opener = document.activeElement;
  root = ts;
  pane.hidden = false;
  document.body.classList.add("thread-open");
  onChange();
  list.toBottom();
  field.focus();
}

async function submit(onSend) {
  const text = field.value.trim();
  if (!text) return;
  field.value = "";
  if (await onSend(text, { thread: root })) list.toBottom();
  else if (!field.value) field.value = text;
}
