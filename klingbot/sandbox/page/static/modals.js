// The modals that the bot has opened for this person. Only the one on top is seen; the browser keeps the focus inside.

import { post } from "./connection.js";
import { html } from "./dialogs.js";
import { element, icon } from "./dom.js";
import { readAll, writeAll } from "./fields.js";

let dialog = null; // what is on the screen
let you = null;

/** Show the top of the stack, or nothing. A view that the bot has updated keeps what was filled in, and the focus. */
export function showModals(stack, person, channel) {
  you = person;
  const view = stack.at(-1);
  if (dialog?.dataset.view !== view?.id) leave();
  if (!view) return;
  if (dialog) renew(view, stack.length > 1, channel);
  else enter(view, stack.length > 1, channel);
}

/** Take modals off the screen without closing them. */
export function leave() {
  dialog?.remove();
  dialog = null;
}

function enter(view, hasBelow, channel) {
  dialog = element("dialog", { className: "modal", "aria-labelledby": "modal-title", "data-view": view.id });
  dialog.dataset.testid = "modal";
  dialog.append(form(view, hasBelow));
  document.body.append(dialog);
  for (const field of dialog.querySelectorAll("[data-current]")) field.value = channel;
  writeAll(dialog, view.typed);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault(); // the server closes it
    close(true);
  });
  dialog.showModal();
  const first = ":is(.control, .choices input):not([disabled])";
  (dialog.querySelector(`[data-focus]${first}`) ?? dialog.querySelector(first))?.focus();
}

function renew(view, hasBelow, channel) {
  if (Boolean(view.submit) !== Boolean(dialog.querySelector(".submit"))) { // another kind of view: begin anew
    leave();
    enter(view, hasBelow, channel);
    return;
  }
  const typed = readAll(dialog);
  const focused = focusOf();
  dialog.querySelector(".modal-body").innerHTML = view.html;
  dialog.querySelector("#modal-title").textContent = view.title;
  const submit = dialog.querySelector(".submit");
  if (submit) Object.assign(submit, { textContent: view.submit ?? "", hidden: !view.submit });
  writeAll(dialog, typed);
  focused();
}

/** How to give the focus back to the same field after the fields have been drawn anew. */
function focusOf() {
  const { activeElement } = document;
  const field = activeElement?.closest("[data-action-id]");
  if (!field || !dialog.contains(field)) return () => {};
  const { blockId, actionId } = field.dataset;
  const { selectionStart, selectionEnd } = activeElement;
  return () => {
    const same = dialog.querySelector(`[data-block-id="${CSS.escape(blockId)}"][data-action-id="${CSS.escape(actionId)}"]`);
    const target = same?.matches(".choices") ? same.querySelector("input:checked") ?? same.querySelector("input") : same;
    target?.focus();
    if (target && typeof selectionStart === "number") target.setSelectionRange(selectionStart, selectionEnd);
  };
}

function form(view, hasBelow) {
  const shut = element("button", { type: "button", className: "icon-button", "aria-label": "Close" }, icon("close"));
  shut.addEventListener("click", () => close(true));
  const back = element("button", { type: "button", className: "button" }, view.close ?? (hasBelow ? "Back" : "Close"));
  back.addEventListener("click", () => close(false));
  const buttons = element("footer", {}, back);
  if (view.submit) buttons.append(element("button", { className: "button primary submit" }, view.submit));
  const title = element("h2", { id: "modal-title" }, view.title);
  const logo = element("img", { src: "/static/klingbot.svg", alt: "" });
  const node = element(
    "form",
    { noValidate: true },
    element("header", {}, logo, title, shut),
    html("div", { className: "modal-body blocks said" }, view.html),
    buttons,
  );
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(node);
  });
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) node.requestSubmit();
  });
  return node;
}

async function submit(node) {
  const button = node.querySelector(".submit");
  if (!button || button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  const { trouble, mistakes } = await post("/page/submit", { as: you, view: dialog.dataset.view, values: readAll(dialog) });
  button.ariaBusy = null;
  if (node.isConnected) show(node, mistakes ?? {}, trouble);
}

/** What is wrong, below the fields it is wrong with; the first of them gets the focus. */
function show(node, mistakes, trouble) {
  for (const old of node.querySelectorAll(".mistake")) old.remove();
  for (const input of node.querySelectorAll(".input")) mark(input, mistakes[input.dataset.input]);
  node.querySelector(".mistake")?.parentNode.querySelector("[data-action-id]")?.focus();
  if (trouble) node.querySelector("footer").prepend(element("p", { className: "mistake", role: "alert" }, trouble));
}

function mark(input, sentence) {
  const field = input.querySelector("[data-action-id]");
  field?.removeAttribute("aria-invalid");
  if (!sentence) return;
  field?.setAttribute("aria-invalid", "true");
  field?.after(element("p", { className: "mistake", role: "alert" }, sentence));
}

function close(everything) {
  post("/page/close", { as: you, view: dialog.dataset.view, everything });
  leave();
}
