import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Download } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import html from '../../plugins/reporters/html.ts';
import spatial from '../../plugins/reporters/spatial.ts';
import type { ReportFile } from '../../plugins/contract.ts';
import { madeUpRun, report } from '../kit/reporter.ts';
import { madeUpSpatial } from '../kit/spatial.ts';
import { testContext } from '../kit/tiny-atlas.ts';
import { hasBrowser, Seen } from './_browser.ts';

let made: Uint8Array;
let spatialMade: Uint8Array;
let address: string;
const server = createServer(({ url }, answer) =>
  answer.setHeader('content-type', 'text/html; charset=utf-8').end(url === '/spatial' ? spatialMade : made),
);
afterAll(() => server.close());

beforeAll(async () => {
  const run = madeUpRun({ selectors: ['random', 'wilcoxon', 'cosg'], evaluators: ['forest', 'knn'], tasks: ['cell_type', 'batch'] });
  const coordinates = Float32Array.from({ length: 240 }, (_, i) => Math.sin(i * 7.3) * (1 + (i % 3)));
  const curves = {
    loss: Float64Array.from({ length: 40 }, (_, e) => 1 / (1 + e)),
    tau: Float64Array.from({ length: 40 }, (_, e) => 0.9 ** e),
  };
  const panels = run.panels.map((g) => (g.cell.selector === 'cosg' ? { ...g, value: { ...g.value, curves } } : g));
  const methods = [{ id: 'wilcoxon', summary: 'Ranks', cites: ['10.2307/3001968'] }];
  const files = await report(html, { ...run, panels, embedding: { method: 'UMAP', coordinates } }, { title: 'Made up', methods });
  made = files.get('report.html')!;
  const { outputs } = await spatial.run(testContext(), (await madeUpSpatial()) as never, spatial.params.parse({}));
  spatialMade = (outputs.files as readonly ReportFile[]).find((file) => file.name === 'report.html')!.bytes;
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

async function saved(download: Promise<Download>): Promise<{ name: string; bytes: Buffer }> {
  const file = await download;
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

describe.skipIf(!hasBrowser)('report.html in a browser', () => {
  it('opens without a fault, and shows one metric at a time', async () => {
    const seen = await Seen.open(address);
    const { page } = seen;
    expect(await page.title()).toBe('Made up');
    const second = page.locator('#task-0 .switch').first().locator('.pane').nth(1);
    expect(await second.isVisible()).toBe(false);
    await page.locator('#task-0 fieldset label').nth(1).click();
    expect(await second.isVisible()).toBe(true);
    await seen.picture('report');
    await seen.close();
  });

  it('singles out one selector, sorts a table, and says what a mark is', async () => {
    const seen = await Seen.open(address);
    const { page } = seen;
    const block = page.locator('#task-0 .block').first();
    const faint = (): Promise<number> =>
      block
        .locator('.charts [style*="opacity"]')
        .evaluateAll((marks) => marks.filter((m) => m.getAttribute('style')!.includes('opacity: 0.08')).length);
    expect(await faint()).toBe(0);
    await block.locator('.legend li', { hasText: 'wilcoxon' }).click();
    expect(await faint()).toBeGreaterThan(0);
    await page.keyboard.press('Enter');
    expect(await faint()).toBe(0);
    const table = block.locator('table').first();
    const names = (): Promise<string[]> => table.locator('tbody th').allTextContents();
    const before = await names();
    await table.locator('thead button').last().click();
    expect(await names()).toEqual(before.toReversed());
    expect(await block.locator('.plot title').first().textContent()).toMatch(/^\w+, k = \d+: 0\.\d+/);
    await seen.close();
  });

  it('gives every figure as CSV, SVG and PNG', async () => {
    const seen = await Seen.open(address);
    const { page } = seen;
    const count = await page.locator('figure').count();
    expect(count).toBeGreaterThan(10);
    for (const kind of ['CSV', 'SVG', 'PNG']) expect(await page.locator(`figure .get >> text="${kind}"`).count()).toBe(count);
    const map = page.locator('figure', { hasText: 'are right; wrong ones are ringed' }).first();
    const take = async (kind: string): Promise<{ name: string; bytes: Buffer }> => {
      const download = page.waitForEvent('download');
      await map.locator(`text="${kind}"`).click();
      return saved(download);
    };
    const [csv, svg, png] = [await take('CSV'), await take('SVG'), await take('PNG')];
    expect([csv.name, svg.name, png.name]).toEqual(['csv', 'svg', 'png'].map((end) => `map-cell_type-called.${end}`));
    expect(csv.bytes.toString().split('\n')[0]).toBe('cell,x,y,label,called');
    expect(svg.bytes.toString()).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg.bytes.toString()).not.toContain('var(--');
    expect(png.bytes.subarray(1, 4).toString()).toBe('PNG');
    expect(png.bytes.readUInt32BE(16)).toBe(900);
    await seen.close();
  });

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
  ] as const)('has no barriers: %s, %d pixels wide', async (colorScheme, width) => {
    const seen = await Seen.open(address, { colorScheme, viewport: { width, height: 800 } });
    expect(await seen.isWide()).toBe(false);
    const ground = await seen.page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe(colorScheme === 'dark' ? 'rgb(20, 23, 28)' : 'rgb(255, 255, 255)');
    expect(await seen.barriers()).toEqual([]);
    await seen.picture(`report-${colorScheme}-${width}`);
    await seen.close();
  });

  it.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)('shows maps on the tissue: %s, %d pixels wide', async (colorScheme, width) => {
    const seen = await Seen.open(`${address}spatial`, { colorScheme, viewport: { width, height: 800 } });
    const { page } = seen;
    expect(await seen.isWide()).toBe(false);
    expect(await seen.barriers()).toEqual([]);
    const map = page.locator('figure', { hasText: 'A, measured' }).first();
    const download = page.waitForEvent('download');
    await map.locator('text="PNG"').click();
    const { name, bytes } = await saved(download);
    expect(name).toBe('map-Alpha-A-measured.png');
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    await seen.picture(`spatial-${colorScheme}-${width}`);
    await seen.close();
  });
});
