// Who to be, and where to talk.

import { avatar, byId, element, icon } from "./dom.js";

/** One radio button for each person; the arrow keys move between them, as in any radio group. */
export function drawPeople(people, you, onBecome) {
  const humans = people.filter((person) => !person.is_bot);
  const buttons = humans.map((person) => personButton(person, person.id === you, onBecome));
  const group = byId("persona");
  const hadFocus = group.contains(document.activeElement);
  group.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const place = humans.findIndex((person) => person.id === you);
    onBecome(humans[(place + step + humans.length) % humans.length].id);
  };
  group.replaceChildren(...buttons);
  if (hadFocus) group.querySelector("[aria-checked=true]").focus();
}

function personButton(person, isYou, onBecome) {
  const button = element(
    "button",
    {
      type: "button",
      role: "radio",
      tabIndex: isYou ? 0 : -1,
      "aria-checked": String(isYou),
      "data-testid": `persona-${person.name}`,
      title: person.real_name,
    },
    avatar(person),
    element("span", { className: "first" }, person.real_name.split(" ")[0]),
  );
  if (person.is_admin) button.append(element("small", {}, "admin"));
  button.addEventListener("click", () => onBecome(person.id));
  return button;
}

/** The channels, and below them the direct messages with apps. */
export function drawChannels(channels, people, current, isUnread, onOpen) {
  const shown = JSON.stringify(channels.map((channel) => [channel.id, channel.id === current, isUnread(channel)]));
  const sidebar = byId("sidebar");
  if (sidebar.dataset.shown === shown) return;
  sidebar.dataset.shown = shown;
  const focused = sidebar.contains(document.activeElement) && document.activeElement.dataset.testid;

  const items = (some) =>
    some.map((channel) => channelItem(channel, people, channel.id === current, isUnread(channel), onOpen));
  byId("channels").replaceChildren(...items(channels.filter((channel) => !channel.with)));
  byId("apps").replaceChildren(...items(channels.filter((channel) => channel.with)));
  if (focused) sidebar.querySelector(`[data-testid="${focused}"]`)?.focus();
}

function channelItem(channel, people, isCurrent, isUnread, onOpen) {
  const app = people.get(channel.with);
  const button = element(
    "button",
    { type: "button", "data-testid": `channel-${channel.name}`, "data-unread": String(isUnread) },
    app ? avatar(app) : icon(channel.is_private ? "lock" : "hash"),
    element("span", { className: "name" }, app ? app.real_name : channel.name),
  );
  if (app?.is_app) button.append(element("span", { className: "badge" }, "APP"));
  if (isUnread) button.append(element("span", { className: "dot", role: "img", "aria-label": "unread" }));
  if (isCurrent) button.setAttribute("aria-current", "page");
  button.addEventListener("click", () => onOpen(channel.id));
  return element("li", {}, button);
}
