import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Registry } from '../core/registry.ts';
import builtin from '../plugins/index.ts';

const registry = new Registry([builtin]);

describe('every contribution', () => {
  for (const [kind, table] of Object.entries(builtin.contributions)) {
    const folder = `plugins/${kind}s`;

    it(`of kind ${kind} has one file, one line and one test`, async () => {
      const files = (await readdir(folder))
        .filter((name) => name.endsWith('.ts') && !name.startsWith('_'))
        .map((name) => name.slice(0, -3));
      expect(files.sort()).toEqual(Object.keys(table).sort());
      for (const id of files) expect(existsSync(`test/${folder}/${id}.test.ts`), `test/${folder}/${id}.test.ts`).toBe(true);
    });
  }

  it('is named as its file, says what it does, and declares what the engine needs', async () => {
    for (const uses of registry.names) {
      const definition = await registry.load(uses);
      expect(`${definition.kind}/${definition.id}`).toBe(uses);
      expect(definition.summary.length, uses).toBeGreaterThan(10);
      expect(definition.version, uses).toBeGreaterThan(0);
    }
  });

  it('carries the version of the package', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    expect(builtin.version).toBe(version);
  });
});
