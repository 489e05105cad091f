import { escapeXml } from '../../metrics/escape-xml.js';

const style = `body { font: 15px/1.5 system-ui, sans-serif; color: #1c2128; background: #fff; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #e4e7eb; }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; }
figure { margin: 1.2rem 0; } figcaption { margin-bottom: .3rem; }
.row { display: flex; gap: .5rem; flex-wrap: wrap; }
.row div { flex: 1 1 12rem; max-width: 19rem; } .row img { width: 100%; image-rendering: pixelated; display: block; }
.row span { font-size: .85rem; color: #57606a; }
svg { max-width: 100%; height: auto; }`;

/** A part of a page under a heading. */
export interface HtmlSection {
  readonly title: string;
  /** Markup. */
  readonly html: string;
}

/**
 * A report as one HTML file without scripts and without anything from elsewhere.
 *
 * @param facts lines under the title.
 */
export function htmlPage(title: string, facts: readonly string[], sections: readonly HtmlSection[]): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeXml(title)}</title><style>${style}</style></head>
<body>
<h1>${escapeXml(title)}</h1>
${htmlList(facts)}
${sections.map((section) => `<h2>${escapeXml(section.title)}</h2>\n${section.html}`).join('\n')}
</body>
</html>
`;
}

/** Lines as a list. */
export function htmlList(lines: readonly string[]): string {
  return `<ul>${lines.map((line) => `<li>${escapeXml(line)}</li>`).join('')}</ul>`;
}

/** A table; the first column is flush left, the others flush right. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (tag: string, cells: readonly string[]) =>
    `<tr>${cells.map((each) => `<${tag}>${escapeXml(each)}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table><thead>${line('th', head)}</thead><tbody>${rows.map((row) => line('td', row)).join('\n')}</tbody></table></div>`;
}

/** Pictures (PNG files) side by side under a caption. */
export function htmlPictures(
  caption: string,
  pictures: readonly { readonly name: string; readonly png: Uint8Array }[],
): string {
  const shown = pictures.map(
    ({ name, png }) =>
      `<div><img alt="${escapeXml(name)}" src="data:image/png;base64,${Buffer.from(png).toString('base64')}"><span>${escapeXml(name)}</span></div>`,
  );
  return `<figure><figcaption>${escapeXml(caption)}</figcaption><div class="row">${shown.join('')}</div></figure>`;
}
