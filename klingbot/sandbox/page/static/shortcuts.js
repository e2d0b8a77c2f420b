// The app's shortcuts: some are there everywhere, some on every message.

import { byId, element, icon } from "./dom.js";

let onMessages = [];

export function setShortcuts(shortcuts) {
  onMessages = shortcuts.filter(({ type }) => type === "message");
  const everywhere = shortcuts.filter(({ type }) => type === "global");
  byId("shortcuts").replaceChildren(...everywhere.map((shortcut) => button(shortcut, "shortcut", shortcut.name)));
}

/** For one message. */
export function messageShortcuts() {
  return onMessages.map((shortcut) => button(shortcut, "icon-button"));
}

function button({ name, description, callback_id }, className, ...words) {
  const properties = { type: "button", className, title: words.length ? description : name, "data-shortcut": callback_id };
  return element("button", { ...properties, "aria-label": name }, icon("bolt"), ...words);
}
