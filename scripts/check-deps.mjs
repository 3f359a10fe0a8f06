// npm run check:deps: licences of all that is installed, and known holes of what ships. Fails on a licence that is not listed, and on
// advisories of high severity; says so where the registry answers no audit.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Licences that let us ship a package beside code under Apache-2.0; of LGPL, libvips is loaded as a library of its own, unchanged. */
const SHIPPED = new Set([
  ...['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'CC-BY-4.0', 'ISC', 'MIT', 'MIT-0', 'Unlicense'],
  ...['LGPL-3.0-or-later', 'NIST-PD-fallback'],
]);
/** What only builds and tests may also be under these: nothing of it is given on. */
const OWN_USE = new Set([...SHIPPED, 'CC0-1.0', 'MPL-2.0', 'Python-2.0']);
/** Packages whose package.json says it in other words, as their LICENSE file was read. */
const READ = { h5wasm: 'NIST-PD-fallback', unionfs: 'Unlicense' };

const fits = (licence, allowed) =>
  licence
    .replace(/^\(|\)$/g, '')
    .split(' AND ')
    .every((all) => all.split(' OR ').some((one) => allowed.has(one.replace(/[()]/g, '').trim())));

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const installed = Object.entries(packages).filter(([path, { link }]) => path !== '' && !link && existsSync(`${path}/package.json`));
const wrong = installed.flatMap(([path, { dev }]) => {
  const { name, version, license, licenses } = JSON.parse(readFileSync(`${path}/package.json`, 'utf8'));
  const said = READ[name] ?? license?.type ?? license ?? licenses?.map(({ type }) => type).join(' OR ') ?? 'none';
  return fits(said, dev ? OWN_USE : SHIPPED) ? [] : [`${name} ${version}: ${said}${dev ? ' (development)' : ''}`];
});
console.log(`Licences: ${installed.length} packages, ${wrong.length} that do not fit`);
for (const line of wrong) console.error(`  ${line}`);

const audit = spawnSync('npm', ['audit', '--omit=dev', '--audit-level=high', '--json'], {
  encoding: 'utf8',
  shell: process.platform === 'win32',
});
const answer = (() => {
  try {
    return JSON.parse(audit.stdout);
  } catch {
    return {};
  }
})();
const counts = answer.metadata?.vulnerabilities;
if (counts) console.log(`Advisories: ${counts.critical} critical, ${counts.high} high, ${counts.moderate + counts.low} lower`);
else console.log(`Advisories: not looked up, the registry answers no audit (${answer.message ?? answer.error?.summary ?? 'no answer'})`);
process.exitCode = wrong.length > 0 || (counts && counts.critical + counts.high > 0) ? 1 : 0;
