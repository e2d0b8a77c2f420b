// What stands in the fields of a message, a modal or the home, by block id and action id.

const FIELDS = "[data-action-id]:not(button)";

/** The value of one field: a text, a list of texts where several can be chosen, or null. */
export function valueOf(field) {
  if (field.multiple) return [...field.selectedOptions].map(({ value }) => value);
  if (!field.matches(".choices")) return field.value || null;
  const chosen = [...field.querySelectorAll("input:checked")].map(({ value }) => value);
  return field.querySelector("[type=checkbox]") ? chosen : chosen[0] ?? null;
}

/** Everything that is filled in: { block id: { action id: value } }. */
export function readAll(root) {
  const typed = {};
  for (const field of root.querySelectorAll(FIELDS)) {
    (typed[field.dataset.blockId] ??= {})[field.dataset.actionId] = valueOf(field);
  }
  return typed;
}

/** Put back what was filled in, where that field is still there and still offers it. */
export function writeAll(root, typed) {
  for (const field of root.querySelectorAll(FIELDS)) {
    const value = typed[field.dataset.blockId]?.[field.dataset.actionId];
    if (value !== undefined) write(field, value);
  }
}

function write(field, value) {
  if (field.matches(".choices")) {
    for (const box of field.querySelectorAll("input")) box.checked = [value].flat().includes(box.value);
  } else if (field.multiple) {
    for (const option of field.options) option.selected = [value].flat().includes(option.value);
  } else if (!field.matches("select") || [...field.options].some((option) => option.value === (value ?? ""))) {
    field.value = value ?? "";
  }
}
