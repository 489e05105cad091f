/** An element of the page by its id. The page's own markup is wrong where it is missing. */
export function need<T extends Element>(id: string, type: abstract new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new TypeError(`The page has no ${type.name} named ${id}.`);
}

/** A new element with attributes, text and children; values are never read as markup. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const svgSpace = 'http://www.w3.org/2000/svg';

/** A new SVG element. */
export function makeSvg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(svgSpace, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** One of the page's icons. */
export function icon(name: string): SVGSVGElement {
  const svg = makeSvg('svg', { 'aria-hidden': 'true' });
  svg.append(makeSvg('use', { href: `#${name}` }));
  return svg;
}

/** Changes the icon of a button. */
export function setIcon(button: Element, name: string): void {
  button.querySelector('use')?.setAttribute('href', `#${name}`);
}

/** Sets text only where it differs, so that screen readers hear of changes only. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
