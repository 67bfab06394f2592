/** Elements of the page. Texts come from programs that nobody knows, so they only ever become text. */

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
export type Content = Node | string;

/** An element with attributes and content; an attribute that is undefined or false is left out. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...content: readonly Content[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, String(value));
  }
  made.append(...content);
  return made;
}

export function button(text: string, onPress: () => void, attributes: Attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", onPress);
  return made;
}

/** A part of the page with its heading. */
export function section(
  id: string,
  title: string,
  meaning: string,
  ...content: readonly Content[]
): HTMLElement {
  return element(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title),
    element("p", { class: "meaning" }, meaning),
    ...content,
  );
}
