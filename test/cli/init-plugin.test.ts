import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initPlugin } from '../../cli/commands/init.ts';

const before = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'panelflow-test-'));
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});
const names = (): string[] => readdirSync(folder).toSorted();

describe('init plugin', () => {
  it('writes a package under the name that it is given, with or without the prefix', async () => {
    await initPlugin('two-words', { kind: 'selector' });
    await initPlugin('panelflow-plugin-near', { kind: 'evaluator' });
    expect(names()).toEqual(['panelflow-plugin-near', 'panelflow-plugin-two-words']);
    const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
    expect(JSON.parse(read('panelflow-plugin-two-words/package.json'))).toMatchObject({ name: 'panelflow-plugin-two-words' });
    expect(read('panelflow-plugin-two-words/src/index.ts')).toContain(`selector: { 'two-words': () => import('./two-words.ts') }`);
    expect(read('panelflow-plugin-near/src/index.ts')).toContain(`evaluator: { near: () => import('./near.ts') }`);
    expect(existsSync('panelflow-plugin-near/test/near.test.ts')).toBe(true);
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.\w+$/.test(name)))
      expect(read(path), path).not.toMatch(/fano|centroid/);
  });

  it('refuses a folder that is there', async () => {
    await expect(initPlugin('two-words', { kind: 'selector' })).rejects.toMatchObject({ code: 'CONFIG' });
  });

  it.each(['', 'Big', 'a_b', '-a', 'a-', 'a--b', '1a', '../x', 'a/b', 'a b', '.', 'é', 'index', 'a'.repeat(65), 'panelflow-plugin-'])(
    'refuses the name "%s", and writes nothing',
    async (name) => {
      const there = names();
      await expect(initPlugin(name, { kind: 'selector' })).rejects.toMatchObject({
        code: 'CONFIG',
        mend: expect.stringContaining('letters'),
      });
      expect(names()).toEqual(there);
    },
  );

  it('refuses the name of a built-in step, and kinds that it does not know', async () => {
    await expect(initPlugin('yoto', { kind: 'selector' })).rejects.toMatchObject({ code: 'CONFIG' });
    await expect(initPlugin('x', { kind: 'selectr' })).rejects.toMatchObject({ mend: expect.stringContaining('"selector"') });
    await expect(initPlugin('x', { kind: 'toString' })).rejects.toMatchObject({ code: 'CONFIG' });
  });
});
