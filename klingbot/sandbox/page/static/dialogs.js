// Dialogs over the page. The browser keeps the focus inside and gives it back; Escape closes.

import { element } from "./dom.js";

/** Ask, and wait for the answer. The texts are HTML made by the server, where everything is escaped. */
export function confirmed({ title, text, confirm, deny, style }) {
  const no = button(deny, "button");
  const yes = button(confirm, `button ${style}`);
  const dialog = element(
    "dialog",
    { className: "dialog", role: "alertdialog", "aria-labelledby": "asked", "aria-describedby": "asked-more" },
    html("h2", { id: "asked" }, title),
    html("div", { id: "asked-more", className: "said" }, text),
    element("div", { className: "dialog-buttons" }, no, yes),
  );
  document.body.append(dialog);
  dialog.showModal();
  yes.focus();
  return new Promise((resolve) => {
    yes.addEventListener("click", () => dialog.close("yes"));
    no.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

function button(words, className) {
  return html("button", { type: "button", className }, words);
}

export function html(name, properties, inner) {
  const node = element(name, properties);
  node.innerHTML = inner;
  return node;
}
