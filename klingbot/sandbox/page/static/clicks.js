// What is pressed in messages: asked back where the bot wants that, then told to the bot.

import { post } from "./connection.js";
import { confirmed } from "./dialogs.js";
import { element } from "./dom.js";

/** `who()` is the person who clicks. */
export function startClicks(who) {
  document.addEventListener("click", ({ target }) => {
    const button = target.closest(".message button[data-action-id]");
    if (button && button.ariaBusy !== "true") press(button, who());
  });
}

async function press(button, you) {
  const question = button.dataset.confirm;
  if (question && !(await confirmed(JSON.parse(question)))) return;
  const { channel, ts } = button.closest(".message").dataset;
  const { actionId, blockId } = button.dataset;
  button.ariaBusy = "true";
  const trouble = await post("/page/click", { as: you, channel, ts, action_id: actionId, block_id: blockId });
  button.ariaBusy = null;
  say(button.closest(".said"), trouble);
}

/** Under the message, until the next click; nothing when all is well. */
function say(said, trouble) {
  said.querySelector(":scope > .click-trouble")?.remove();
  if (trouble) said.append(element("p", { className: "click-trouble", role: "alert" }, trouble));
}
