// What npm start and npm test both need: packages, a build, the Temporal server and native TensorFlow. Each is skipped when it is there.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const began = Date.now();

/** Runs a command with its output shown; ends this process when it fails. */
export function command(title, file, args, options = {}) {
  console.log(`\n[${((Date.now() - began) / 1000).toFixed(0)} s] ${title}`);
  const { status, error, signal } = spawnSync(file, args, { stdio: 'inherit', shell: process.platform === 'win32', ...options });
  if (error) console.error(`${file} could not be run: ${error.message}`);
  if (status !== 0) process.exit(status ?? (signal === 'SIGINT' ? 130 : 1));
}

const newest = (path) =>
  statSync(path).isDirectory() ? Math.max(0, ...readdirSync(path).map((name) => newest(`${path}/${name}`))) : statSync(path).mtimeMs;
const SOURCES = [
  'schemas',
  'core',
  'data',
  'stats',
  'tensor',
  'plugins',
  'activities',
  'workflows',
  'workers',
  'runs',
  'cli',
  'ui',
  'test/kit',
  'tsconfig.json',
  'package.json',
];

/** Installs, builds and sets up what is missing or out of date. */
export function ready() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19) || major > 22) {
    console.error(`Node ${process.version} does not fit: panelflow wants 20.19 to 22 (native TensorFlow sets the upper end).`);
    process.exit(2);
  }
  // Not `npm ci`: it refuses a lock file without the optional packages of platforms that a registry does not serve.
  const lock = 'node_modules/.package-lock.json';
  if (!existsSync(lock) || statSync('package-lock.json').mtimeMs > statSync(lock).mtimeMs)
    command('Installing packages', 'npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund']);
  const built = 'dist/workflow-bundle.cjs';
  if (!existsSync(built) || Math.max(...SOURCES.map(newest)) > statSync(built).mtimeMs)
    command('Building', process.execPath, ['scripts/build.mjs']);
  command('Setting up the Temporal server and native TensorFlow', process.execPath, ['dist/cli/main.js', 'setup']);
}
