import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const out = mkdtempSync(join(tmpdir(), 'panelflow-site-'));
afterAll(() => rmSync(out, { recursive: true, force: true }));

describe('the site of the documentation', () => {
  beforeAll(() => {
    // A link that leads nowhere fails the build.
    execFileSync(process.execPath, ['node_modules/vitepress/bin/vitepress.js', 'build', 'docs', '--outDir', out], {
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, NODE_ENV: 'production', VITEST: '' },
    });
  }, 180_000);

  it('has every page', () => {
    for (const page of ['index', 'docs/tutorial', 'docs/reference/steps', 'docs/papers/markermap', 'deploy/README', 'SECURITY'])
      expect(existsSync(join(out, `${page}.html`)), page).toBe(true);
  });

  it('has the files that its pages link to', () => {
    for (const page of readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'))) {
      for (const [, link] of readFileSync(join(out, page), 'utf8').matchAll(/<a href="([^"#:]+)(?:#[^"]*)?" target="_self"/g))
        expect(existsSync(resolve(join(out, page), '..', link)), `${page}: ${link}`).toBe(true);
    }
  });

  it('shows every page of docs/ in its sidebar', () => {
    const config = readFileSync('docs/.vitepress/config.ts', 'utf8');
    for (const folder of ['docs', 'docs/reference', 'docs/papers'])
      for (const file of readdirSync(folder).filter((name) => name.endsWith('.md') && `${folder}/${name}` !== 'docs/README.md'))
        expect(config, file).toContain(`'${folder}/${file}'`);
  });
});
