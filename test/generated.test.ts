import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { reference } from '../cli/commands/plugins.ts';
import { commandsPage } from './docs/_commands-page.ts';
import { jsonSchema, schemaPage } from '../cli/commands/schema.ts';
import { Registry } from '../core/registry.ts';
import builtin from '../plugins/index.ts';

/** Compares a generated file with what is committed; UPDATE=1 writes it. */
function fresh(path: string, text: string): void {
  if (process.env.UPDATE) {
    mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
    writeFileSync(path, text);
  }
  expect(readFileSync(path, 'utf8'), `${path} is stale: UPDATE=1 npx vitest run test/generated.test.ts`).toBe(text);
}

describe('generated files are fresh', () => {
  for (const name of ['run', 'pipeline', 'benchmark', 'spatial', 'tables']) {
    it(`schemas/json/${name}.json`, async () => fresh(`schemas/json/${name}.json`, await jsonSchema(name)));
    it(`docs/reference/${name}.md`, async () => fresh(`docs/reference/${name}.md`, await schemaPage(name)));
  }

  it('docs/reference/cli.md', () => fresh('docs/reference/cli.md', commandsPage()));
  it('docs/reference/steps.md', async () => fresh('docs/reference/steps.md', await reference(new Registry([builtin]))));
});
