// What is pressed, chosen or typed in messages, modals and the home: asked back where the bot wants that, then told to
// the bot.

import { post } from "./connection.js";
import { confirmed } from "./dialogs.js";
import { element } from "./dom.js";
import { readAll, valueOf, writeAll } from "./fields.js";

const TYPING_MS = 400; // how long a pause ends a burst of typing

/** `who()` is the person who clicks; `onTrouble(sentence)` hears of what has no place of its own. */
export function startClicks(who, onTrouble) {
  document.addEventListener("click", async ({ target }) => {
    const shortcut = target.closest("[data-shortcut]");
    if (shortcut) onTrouble((await useShortcut(shortcut, who())).trouble);
    const button = target.closest("button[data-action-id]");
    if (button && button.ariaBusy !== "true") act(button, who(), undefined);
  });
  document.addEventListener("change", ({ target }) => {
    const field = target.closest("[data-dispatch]");
    if (field?.dataset.dispatch.includes("change")) act(field, who(), valueOf(field));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("[data-dispatch*=enter]")) return;
    event.preventDefault();
    act(event.target, who(), valueOf(event.target));
  });
  let pause;
  document.addEventListener("input", ({ target }) => {
    if (!target.matches("[data-dispatch*=character]")) return;
    clearTimeout(pause);
    pause = setTimeout(() => act(target, who(), valueOf(target)), TYPING_MS);
  });
}

async function act(control, you, value) {
  const surface = control.closest(".message, [data-view]");
  if (!surface) return;
  if (control.dataset.confirm && !(await confirmed(JSON.parse(control.dataset.confirm)))) return undo(control);
  control.ariaBusy = "true";
  const { trouble } = await post(...address(surface, { ...told(control), as: you, value }));
  control.ariaBusy = null;
  say(surface, trouble);
}

function useShortcut(button, you) {
  const { channel, ts } = button.closest(".message")?.dataset ?? {};
  return post("/page/shortcut", { as: you, callback_id: button.dataset.shortcut, channel, ts });
}

function told({ dataset }) {
  return { action_id: dataset.actionId, block_id: dataset.blockId };
}

/** Messages are known by channel and ts; views by their id, and the bot sees all that is filled in there. */
function address(surface, body) {
  const { view, channel, ts } = surface.dataset;
  return view ? ["/page/act", { ...body, view, values: readAll(surface) }] : ["/page/click", { ...body, channel, ts }];
}

/** A choice that was taken back. */
function undo(field) {
  const first = field.querySelector("option[selected]")?.value ?? null;
  if (!field.matches("button")) writeAll(field.parentNode, { [field.dataset.blockId]: { [field.dataset.actionId]: first } });
}

/** Below what was pressed, until the next time; nothing when all is well. */
function say(surface, trouble) {
  const place = surface.querySelector(".said, .modal-body") ?? surface;
  place.querySelector(":scope > .click-trouble")?.remove();
  if (trouble) place.append(element("p", { className: "click-trouble", role: "alert" }, trouble));
}
