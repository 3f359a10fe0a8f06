import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project, until } from '../engine/_engine.ts';
import { hasBrowser, Seen } from './_browser.ts';
import { Dashboard, toySweep } from './_ui.ts';

/** Where a cell of the sweep lies on the screen. */
const cellAt = (row: number, column: number): string => `(() => {
  const canvas = document.querySelector('.heat canvas').getBoundingClientRect();
  return { x: canvas.left + 60 + ${column} * 20, y: canvas.top + 40 + ${row} * 18 };
})()`;

describe.skipIf(!hasBrowser)('the dashboard in a browser', () => {
  let project: Project;
  let dashboard: Dashboard;

  beforeAll(async () => {
    project = new Project();
    await project.run('run', toySweep(project, 'first', 0), '--quiet');
    await project.run('run', toySweep(project, 'other', 0), '--quiet');
    dashboard = await Dashboard.open(project);
  });
  afterAll(async () => {
    await dashboard?.close();
    await project?.close();
  });

  /** The page of the first run. */
  const openRun = async (options?: Parameters<typeof Seen.open>[1]): Promise<Seen> => {
    const seen = await Seen.open(dashboard.url, options);
    await seen.page.getByRole('link', { name: /^first-/ }).click();
    await seen.page.getByText('37 of 38 tasks').waitFor();
    await seen.page.locator('.legend', { hasText: 'done 18' }).waitFor();
    return seen;
  };

  it('lists runs, filters them, and goes through them by keys', async () => {
    const seen = await Seen.open(dashboard.url);
    const { page } = seen;
    await page.getByText('2 of 2 runs').waitFor();
    await seen.picture('runs');
    expect(await seen.barriers()).toEqual([]);
    await page.keyboard.press('/');
    await page.keyboard.type('firs');
    await page.getByText('1 of 2 runs').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    expect(await page.evaluate('document.activeElement.textContent')).toMatch(/^first-/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: /^first-/ }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    expect(await seen.barriers()).toEqual([]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
    await seen.close();
  });

  it('shows the sweep, tells of a cell under the pointer, and opens its task', async () => {
    const seen = await openRun();
    const { page } = seen;
    expect(await seen.barriers()).toEqual([]);
    await seen.picture('run');
    const { x, y } = await page.evaluate<{ x: number; y: number }>(cellAt(1, 0));
    await page.mouse.move(x, y);
    await page.locator('.tip', { hasText: /add \(seed=\d k=\d+\)/ }).waitFor();
    await seen.picture('run-hover');
    await page.mouse.click(x, y);
    const task = page.getByRole('complementary', { name: 'Task' });
    await task.getByText('done toy/add').waitFor();
    await task.getByText('took').waitFor();
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H2');
    await seen.picture('task');
    expect(await seen.barriers()).toEqual([]);
    await page.keyboard.press('Escape');
    await task.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: /^bad ?0 of 1, 1 failed/ }).click();
    await page.getByRole('link', { name: 'bad (seed=1 k=8)' }).click();
    await task.getByText('Mend it.').waitFor();
    await seen.picture('failed');
    expect(await seen.barriers()).toEqual([]);
    await seen.close();
  });

  it('colours cells by a number of their results, and lays them out by other axes', async () => {
    const seen = await openRun();
    const { page } = seen;
    await page.getByLabel('Step', { exact: true }).selectOption({ label: 'base' });
    await page.getByLabel('Colour').selectOption({ label: 'value' });
    await page.locator('.legend', { hasText: 'value 325' }).waitFor();
    await page.getByLabel('Rows').selectOption({ label: 'k' });
    await page.getByText('18 tasks of base: k down, seed across').waitFor();
    await page.getByLabel('Only seed').selectOption('2');
    await page.getByText('3 tasks of base').waitFor();
    await seen.picture('metric');
    await seen.close();
  });

  it('serves keys alone: sweep, table, task', async () => {
    const seen = await openRun();
    const { page } = seen;
    await page.keyboard.press('s');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => page.locator('.heat-box [role=status]').textContent()).toMatch(/^add \(seed=1 k=16\), done/);
    await page.keyboard.press('Enter');
    const task = page.getByRole('complementary', { name: 'Task' });
    await task.getByRole('heading', { name: 'add (seed=1 k=16)' }).waitFor();
    await page.keyboard.press('Escape');
    expect(await page.evaluate('document.activeElement.className')).toBe('heat');
    await page.locator('summary', { hasText: 'As a table' }).press('Enter');
    await page.getByLabel('Filter tasks').fill('seed=4');
    await page.getByText('3 tasks, page 1 of 1').waitFor();
    await page.getByRole('button', { name: 'add (seed=4 k=8)' }).press('Enter');
    await task.getByRole('heading', { name: 'add (seed=4 k=8)' }).waitFor();
    expect(await seen.barriers()).toEqual([]);
    await seen.close();
  });

  it('downloads results and links to Temporal', async () => {
    const seen = await openRun();
    const { page } = seen;
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'trace.tsv' }).click()]);
    expect(download.suggestedFilename()).toBe('trace.tsv');
    expect(await page.getByRole('link', { name: 'Temporal' }).getAttribute('href')).toContain('/workflows/first-');
    await seen.close();
  });

  it('compares two runs', async () => {
    const seen = await openRun();
    const { page } = seen;
    await page.locator('.summary').getByRole('link', { name: 'Compare' }).click();
    await page.getByText('identical', { exact: true }).waitFor();
    await seen.picture('compare');
    expect(await seen.barriers()).toEqual([]);
    await seen.close();
  });

  it('is as good in the dark and on a narrow screen', async () => {
    for (const [name, options] of [
      ['dark', { colorScheme: 'dark' }],
      ['narrow', { viewport: { width: 420, height: 800 } }],
    ] as const) {
      const seen = await openRun(options);
      expect(await seen.isWide(), name).toBe(false);
      expect(await seen.barriers(), name).toEqual([]);
      await seen.picture(name);
      await seen.page.getByRole('link', { name: 'Runs' }).click();
      await seen.page.getByText('2 of 2 runs').waitFor();
      expect(await seen.isWide(), name).toBe(false);
      expect(await seen.barriers(), name).toEqual([]);
      await seen.picture(`${name}-runs`);
      await seen.close();
    }
    const seen = await Seen.open(dashboard.url);
    await seen.page.getByRole('button', { name: 'Theme: auto' }).click();
    await seen.page.getByRole('button', { name: 'Theme: light' }).click();
    expect(await seen.page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(20, 23, 28)');
    await seen.page.reload();
    await seen.page.getByRole('button', { name: 'Theme: dark' }).waitFor();
    await seen.close();
  });

  it('shows the genes of panels, what two share, and the report, which reaches nothing', async () => {
    project.write(
      'panels.yaml',
      `pipeline: benchmark
name: panels
params:
  data: { uses: simulated, with: { cells: 200, genes: 120, types: 3 } }
  tasks: [cell_type]
  seeds: [0]
  k: [8]
  selectors: [wilcoxon, hvg-seurat]
  evaluators: [knn]
`,
    );
    const { code, stderr } = await project.run('run', project.path('panels.yaml'), '--quiet');
    expect(code, stderr).toBe(0);
    const seen = await Seen.open(dashboard.url);
    const { page } = seen;
    await page.getByRole('link', { name: /^panels-/ }).click();
    await page.getByRole('link', { name: 'Panels', exact: true }).click();
    await page.getByText(/\d genes in both, \d+ in either/).waitFor();
    expect(await page.locator('.genes li').count()).toBe(16);
    await page.getByLabel('Genes').fill('20');
    await expect.poll(() => page.locator('.genes li').count()).toBe(40);
    await page.getByLabel('selector of B').selectOption({ label: 'wilcoxon' });
    await page.getByText('20 genes in both, 20 in either: overlap (Jaccard) 1').waitFor();
    await seen.picture('panels');
    expect(await seen.barriers()).toEqual([]);
    await page.getByRole('link', { name: 'Back to the run' }).click();
    await page.getByRole('button', { name: /^select/ }).click();
    await page.locator('.summary').getByRole('link', { name: 'report.html' }).waitFor();
    const address = await page.locator('.summary').getByRole('link', { name: 'report.html' }).getAttribute('href');
    await page.goto(new URL(address!, dashboard.url).href);
    await page.locator('h1').first().waitFor();
    await page.locator('svg').first().waitFor();
    await seen.picture('report');
    // The report is shut in: it has no origin of its own, so that it can ask this server for nothing.
    expect(await page.evaluate('origin')).toBe('null');
    await seen.close();
  });

  // Seldom, on a busy machine, the server answers one of the page's many questions with 500; it says why on standard error.
  let tries = 0;
  it('starts a run, follows it, pauses it and lets it go on', { retry: 2 }, async () => {
    const name = `live${tries++}`;
    toySweep(project, name, 3_000);
    const seen = await Seen.open(dashboard.url);
    const { page } = seen;
    await page.getByRole('button', { name: 'Start a run' }).click();
    await page.getByLabel('File').selectOption(`${name}.yaml`);
    await seen.picture('start');
    expect(await seen.barriers()).toEqual([]);
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: new RegExp(`^${name}-`) }).waitFor();
    await page.locator('.legend', { hasText: 'running' }).waitFor();
    await page.getByRole('heading', { name: 'Under way' }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByLabel('Note').fill('a look at the disk');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    await page.getByText('pause by').waitFor();
    await seen.picture('paused');
    expect(await seen.barriers()).toEqual([]);
    await page.getByRole('button', { name: 'Amend' }).click();
    await page.getByLabel('Drop values').fill('seed=2,3,4,5');
    await page.getByRole('button', { name: 'What would change?' }).click();
    await page.getByText(/That would be: 1 task added, \d+ dropped/).waitFor();
    await seen.picture('amend');
    await page.getByRole('dialog').getByRole('button', { name: 'Amend' }).click();
    await page.getByText('6 tasks of add').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await page.locator('.badge.completed').waitFor();
    await page.locator('.legend', { hasText: 'done 6' }).waitFor();
    await until(() => project.has(`results/${name}/run.json`));
    await page.getByRole('link', { name: 'trace.tsv' }).waitFor();
    await seen.close();
  });
});
