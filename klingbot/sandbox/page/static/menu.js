// The menu above the composer: first the commands, then a command's own words from its usage hint.

import { element } from "./dom.js";

export class Menu {
  constructor(list, field, pick) {
    this.list = list;
    this.field = field;
    this.pick = pick;
    this.commands = [];
    this.items = [];
    this.chosen = -1;
  }

  suggest(text) {
    this.items = suggestions(text, this.commands);
    // A command is chosen at once, as in Slack; its words are only offered, so that Enter still sends.
    this.chosen = this.items[0]?.isCommand ? 0 : -1;
    this.draw();
  }

  close() {
    this.items = [];
    this.draw();
  }

  /** Take a key that is meant for the menu; false when it is the composer's. */
  pressed(event) {
    if (!this.items.length) return false;
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) this.move(moves[event.key]);
    else if (event.key === "Tab" && !event.shiftKey) this.take(Math.max(this.chosen, 0));
    else if (event.key === "Enter" && !event.shiftKey && this.chosen >= 0) this.take(this.chosen);
    else if (event.key === "Escape") this.close();
    else return false;
    return true;
  }

  move(step) {
    const from = this.chosen < 0 && step < 0 ? 0 : this.chosen;
    this.chosen = (from + step + this.items.length) % this.items.length;
    this.draw();
  }

  take(place) {
    this.pick(this.items[place].fills);
  }

  draw() {
    this.list.hidden = !this.items.length;
    this.field.setAttribute("aria-expanded", String(this.items.length > 0));
    this.list.replaceChildren(...this.items.map((item, place) => this.option(item, place)));
    if (this.chosen < 0 || !this.items.length) return this.field.removeAttribute("aria-activedescendant");
    this.field.setAttribute("aria-activedescendant", `option-${this.chosen}`);
    this.list.children[this.chosen].scrollIntoView({ block: "nearest" });
  }

  option(item, place) {
    const node = element(
      "li",
      { id: `option-${place}`, role: "option", "aria-selected": String(place === this.chosen) },
      element("b", {}, item.word),
      element("code", {}, item.hint),
      element("span", {}, item.says),
    );
    node.addEventListener("mousedown", (event) => {
      event.preventDefault(); // the composer keeps the focus
      this.take(place);
    });
    return node;
  }
}

/** What could be meant by what has been typed so far. */
export function suggestions(text, commands) {
  if (/^\/\S*$/.test(text)) {
    return commands
      .filter((command) => command.command.startsWith(text))
      .map((command) => ({
        isCommand: true,
        word: command.command,
        hint: command.usage_hint ?? "",
        says: command.description ?? "",
        fills: `${command.command} `,
      }));
  }
  const command = commands.find(({ command }) => text.startsWith(`${command} `));
  const typed = command && text.slice(command.command.length + 1);
  if (!command || /\s/.test(typed)) return [];
  return (command.usage_hint ?? "")
    .split("|")
    .map((usage) => usage.trim().split(/\s+(.*)/))
    .filter(([word]) => word && word.startsWith(typed) && word !== typed)
    .map(([word, hint]) => ({ word, hint: hint ?? "", says: "", fills: `${command.command} ${word} ` }));
}
