import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, expect } from 'vitest';

/** The browser of this machine, or one that is named. */
const CHROMIUM = [process.env.PANELFLOW_CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => path !== '' && existsSync(path),
);
export const hasBrowser = CHROMIUM !== undefined;
if (!hasBrowser) console.log('No Chromium here: tests in a browser are skipped. PANELFLOW_CHROMIUM names one.');

/** A folder for pictures of what tests saw; none are made without it. */
const SHOTS = process.env.PANELFLOW_SHOTS;

let browser: Promise<Browser> | undefined;
afterAll(async () => {
  await (await browser)?.close();
});

/** A page that notes what should not happen: messages on the console, errors, requests to anywhere but its server. */
export class Seen {
  readonly page: Page;
  readonly faults: string[] = [];
  readonly #origin: string;

  private constructor(page: Page, origin: string) {
    this.page = page;
    this.#origin = origin;
    page.on('console', (message) => this.faults.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => this.faults.push(`error: ${error.message}`));
    page.on('request', (request) => {
      if (!request.url().startsWith(this.#origin) && !request.url().startsWith('data:')) this.faults.push(`request: ${request.url()}`);
    });
  }

  static async open(url: string, options: BrowserContextOptions = {}): Promise<Seen> {
    browser ??= chromium.launch({
      executablePath: CHROMIUM!,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
    });
    const context = await (await browser).newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', ...options });
    // For machines that are slow or busy.
    context.setDefaultTimeout(180_000);
    const seen = new Seen(await context.newPage(), new URL(url).origin);
    await seen.page.goto(url);
    return seen;
  }

  /** Keeps a picture, where there is a folder for it. */
  async picture(name: string): Promise<void> {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
  }

  /** What axe finds that is serious or critical. */
  async barriers(): Promise<string[]> {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate<{
      violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
    }>('axe.run()');
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\n')}`);
  }

  /** True where the page is wider than its window. */
  async isWide(): Promise<boolean> {
    return this.page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
  }

  async close(): Promise<void> {
    expect(this.faults).toEqual([]);
    await this.page.context().close();
  }
}
