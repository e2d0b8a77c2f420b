// The few things that every part of the page does to the document.

const TONES = 6; // as many as style.css has

export const byId = (id) => document.getElementById(id);

/** An element with properties (data-… and aria-… as attributes) and children. */
export function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children);
  return node;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** Initials on a colour of one's own; the app has its logo. */
export function avatar(person) {
  if (person.is_app) return element("img", { className: "avatar", src: "/static/klingbot.svg", alt: "" });
  const initials = person.real_name.split(/\s+/).map((word) => word[0]).slice(0, 2).join("");
  const tone = `tone-${(person.place ?? 0) % TONES}`;
  return element("span", { className: `avatar ${tone}`, "aria-hidden": "true" }, initials);
}
