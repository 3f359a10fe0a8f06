// Compiles TypeScript, bundles the workflows, and links the command into node_modules/.bin.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (path) => `${root}${path}`;

// The program, then the page of the dashboard.
for (const config of ['tsconfig.json', 'ui/tsconfig.json']) {
  const tsc = spawnSync(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', at(config)], { stdio: 'inherit' });
  if (tsc.status !== 0 && !process.argv.includes('--anyway')) process.exit(tsc.status ?? 1);
}
for (const name of ['index.html', 'style.css', 'icon.svg']) copyFileSync(at(`ui/${name}`), at(`dist/ui/${name}`));

const { bundleWorkflowCode } = await import('@temporalio/worker');
const bundle = {
  workflowsPath: at('dist/workflows/index.js'),
  logger: { trace() {}, debug() {}, info() {}, log() {}, warn: console.warn, error: console.error },
};
// Where payloads are encrypted, failures are made in another way.
const encrypted = { ...bundle, failureConverterPath: at('dist/workers/failure-converter.js') };
for (const [name, options] of Object.entries({ 'workflow-bundle': bundle, 'workflow-bundle-encrypted': encrypted }))
  writeFileSync(at(`dist/${name}.cjs`), (await bundleWorkflowCode(options)).code);

chmodSync(at('dist/cli/main.js'), 0o755);
rmSync(at('node_modules/.bin/panelflow'), { force: true });
symlinkSync('../../dist/cli/main.js', at('node_modules/.bin/panelflow'));
