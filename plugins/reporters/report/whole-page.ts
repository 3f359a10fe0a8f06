import { createHash } from 'node:crypto';
import { html, type Markup } from './markup.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

/** A page that is complete in itself: nothing is fetched, and no script but its own may run, whatever a name in the data says. */
export function wholePage(title: string, body: Markup): string {
  const hash = createHash('sha256').update(SCRIPT).digest('base64');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  const head = html`<meta charset="utf-8" /><meta http-equiv="Content-Security-Policy" content="${policy}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" /><meta name="color-scheme" content="light dark" />
    <title>${title}</title>`;
  return `<!doctype html>\n<html lang="en"><head>${head.text}<style>${STYLE}</style></head><body><div class="page">${body.text}</div><script>${SCRIPT}</script></body></html>\n`;
}
