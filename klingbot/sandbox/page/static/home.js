// The app's home: a tab beside the messages with it.

import { post } from "./connection.js";
import { byId, element } from "./dom.js";
import { html } from "./dialogs.js";

const tabs = byId("tabs");
const pane = byId("home");
let home = null; // as the bot drew it last

/** Show the tabs of a conversation with the app, or none. */
export function drawTabs(isApp, isHome) {
  tabs.hidden = !isApp;
  for (const tab of tabs.querySelectorAll("[role=tab]")) {
    const selected = (tab.dataset.tab === "home") === isHome;
    tab.ariaSelected = String(selected);
    tab.tabIndex = selected ? 0 : -1;
  }
  document.body.classList.toggle("at-home", isApp && isHome);
}

export function startTabs(onPick) {
  tabs.addEventListener("click", ({ target }) => {
    const tab = target.closest("[data-tab]");
    if (tab) onPick(tab.dataset.tab === "home");
  });
  tabs.addEventListener("keydown", ({ key }) => {
    if (key !== "ArrowLeft" && key !== "ArrowRight") return;
    const other = tabs.querySelector("[aria-selected=false]");
    onPick(other.dataset.tab === "home");
    other.focus();
  });
}

/** Tell the bot that somebody looks; it draws what they see. */
export async function openHome(you) {
  const { trouble } = await post("/page/home", { as: you });
  if (trouble && !home) pane.replaceChildren(element("p", { className: "click-trouble", role: "alert" }, trouble));
}

export function showHome(view) {
  home = view;
  const focused = pane.contains(document.activeElement) && document.activeElement.dataset;
  const drawn = view ? [html("div", { className: "blocks said", "data-view": view.id }, view.html)] : [];
  pane.replaceChildren(...drawn);
  if (!focused) return;
  const same = [...pane.querySelectorAll("[data-action-id]")].find(
    ({ dataset }) => dataset.actionId === focused.actionId && dataset.blockId === focused.blockId,
  );
  same?.focus();
}
