// Elements made from text: nothing here ever parses HTML, so text from outside stays text.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element. `given`: class, on (event handlers), data, text, and attributes; children are elements or strings. */
export function make(name, given = {}, ...children) {
  const element = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "text") element.textContent = value;
    else if (key === "on") for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else if (key === "data") Object.assign(element.dataset, value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** Chinese and English beside each other, each marked with its language. */
export function both(zh, en, name = "span") {
  return make(name, { class: "both" }, make("span", { lang: "zh-Hans", text: zh }), " ", make("span", { class: "en", text: en }));
}

export const byId = (id) => document.getElementById(id);

/** Set text only where it differs, so that screen readers and selections are left alone. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Bring the children of `parent` in line with `items`, in their order, keeping the elements of what has not changed.
 * `sign` says what an element depends on; focus inside a rebuilt element stays on its part of the same `data-part`.
 */
export function keep(parent, items, { key, sign, build }) {
  parent.known ??= new Map();
  const focused = document.activeElement;
  const next = new Map();
  let place = parent.firstChild;
  for (const item of items) {
    const id = key(item);
    const signature = sign(item);
    const old = parent.known.get(id);
    let element = old?.element;
    if (old === undefined || old.signature !== signature) {
      element = build(item);
      if (old !== undefined) {
        if (place === old.element) place = element;
        replace(old.element, element);
      }
    }
    next.set(id, { element, signature });
    parent.known.delete(id);
    if (element === place) place = place.nextSibling;
    else parent.insertBefore(element, place);
  }
  for (const { element } of parent.known.values()) element.remove();
  parent.known = next;
  // To move an element is to take its focus away.
  if (focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}

function replace(old, element) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(element);
  if (focused === null) return;
  const part = focused.dataset.part;
  const same = part ? element.querySelector(`[data-part="${CSS.escape(part)}"]`) : null;
  (same ?? element).focus({ preventScroll: true });
}
