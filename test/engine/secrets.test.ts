import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../cli/embedded/server.ts';
import { settings } from '../../cli/settings.ts';
import { newPayloadKey } from '../../workers/payload-cipher.ts';
import { httpServer, mailServer } from '../notify/_stage.ts';
import { noGateway, TestGateway } from '../plugins/stores/_gateway.ts';
import { Dashboard } from '../ui/_ui.ts';
import { TestBucket } from './_bucket.ts';
import { Project, TOY, until } from './_engine.ts';
import { stepsOf } from './_processes.ts';
import { keptBy } from './_raw.ts';
import { TINY_CELLS, TINY_OBS, tinyFile } from './_tiny.ts';
import { Authority, canMakeCertificates, front } from './_tls.ts';

const mark = (what: string): string => `${what}-${randomBytes(8).toString('hex')}`;
/** What no place may hold, by what it is. The two of S3 are added when its server has made them. */
const SECRETS: Record<string, string> = {
  'API key of Temporal': mark('apikey'),
  'address of a webhook': mark('hook'),
  'secret of a webhook': mark('signer'),
  'header of a webhook': mark('header'),
  'address of a webhook that fails': mark('broken'),
  'password of mail': mark('mail'),
  'password of mail that fails': mark('nomail'),
  'token of the dashboard': mark('dash'),
  'payload key': newPayloadKey(),
  'payload key of before': newPayloadKey(),
  'variable of the environment': mark('atlarge'),
  'wrong secret key of S3': mark('wrongs3'),
  'wrong API key of Temporal': mark('wrongkey'),
};
/** What every place must hold: were a secret there, it would be found as this is. */
const CONTROL = mark('control');

/** A text as it may stand somewhere: as it is, or in base64, hexadecimal or a gzip. */
const holds = (bytes: Buffer, text: string): boolean =>
  [text, Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1), Buffer.from(text).toString('hex')].some((form) =>
    bytes.includes(form),
  ) ||
  (bytes[0] === 0x1f && bytes[1] === 0x8b && holds(gunzipSync(bytes), text));

/** Programs that tell all they know, one of which fails, and a step that fails. */
const TELLING = `name: telling-${CONTROL}
plugins: [${TOY}]
axes: { n: [1, 2] }
steps:
  base: { uses: toy/number, with: { value: '\${{ axis.n }}' } }
  bad: { uses: toy/bad, in: { in: base.out } }
  env: { uses: command/run, with: { argv: [bash, -c, 'env; env > all.txt'], outputs: { all.txt: all.txt }, env: { N: '\${{ axis.n }}' } } }
  fails: { uses: command/run, with: { argv: [bash, -c, 'env >&2; exit 3'] } }
  publish: { uses: reporter/files, in: { folders: { from: env.out, gather: all } }, with: { into: env } }
`;

describe.skipIf(noGateway !== undefined || !canMakeCertificates())('a secret that is planted', () => {
  const project = new Project();
  /** What is to be looked through, by place. */
  const places = new Map<string, Map<string, Buffer>>();
  /** Files that hold secrets, as they must. */
  const vault = mkdtempSync(join(tmpdir(), 'panelflow-vault-'));
  const closing: (() => unknown)[] = [];
  afterAll(async () => {
    for (const close of closing.toReversed()) await close();
    rmSync(vault, { recursive: true });
  });

  const keep = (place: string, name: string, what: Buffer | string): void =>
    void (places.get(place) ?? places.set(place, new Map()).get(place)!).set(name, Buffer.from(what));

  beforeAll(async () => {
    const gateway = await TestGateway.start();
    closing.push(() => gateway.stop());
    const { endpoint, credentials, region } = gateway.client;
    SECRETS['access key of S3'] = credentials.accessKeyId;
    SECRETS['secret key of S3'] = credentials.secretAccessKey;
    const bucket = new TestBucket('panelflow', gateway.client);
    await bucket.put('data/cells.csv', TINY_CELLS);
    await bucket.put('data/obs.csv', TINY_OBS);

    const works = await httpServer([{ status: 204 }]);
    const fails = await httpServer([{ status: 400 }]);
    const mail = await mailServer();
    const noMail = await mailServer({ onAuth: ({ password }, _, done) => done(new Error(`not ${password}`)) });
    closing.push(works.close, fails.close, mail.close, noMail.close);
    const notify = join(vault, 'notify.yaml');
    const to = 'from: flow@lab.example, to: [ada@lab.example]';
    writeFileSync(
      notify,
      `channels:
  hook: { webhook: '${works.url}/${SECRETS['address of a webhook']}', secret: '\${HOOK}', headers: { X-Token: ${SECRETS['header of a webhook']} } }
  broken: { webhook: '${fails.url}/${SECRETS['address of a webhook that fails']}', secret: '\${HOOK}' }
  mail: { email: { smtp: 'smtp://flow:\${MAIL}@127.0.0.1:${mail.port}', ${to} } }
  nomail: { email: { smtp: 'smtp://flow:${SECRETS['password of mail that fails']}@127.0.0.1:${noMail.port}', ${to} } }
`,
    );

    // Everything that the machine keeps lies in the folder of the project, but for the server's binary.
    mkdirSync(project.path('cache'));
    symlinkSync(join(settings().cache, 'temporal'), project.path('cache/temporal'));
    project.env = {
      PANELFLOW_CACHE: project.path('cache'),
      PANELFLOW_WORK: 's3://panelflow/work',
      PANELFLOW_NOTIFY: notify,
      PANELFLOW_UI_TOKEN: SECRETS['token of the dashboard'],
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      HOOK: SECRETS['secret of a webhook'],
      MAIL: SECRETS['password of mail'],
      AT_LARGE: SECRETS['variable of the environment'],
    };
    const { address } = JSON.parse((await project.run('server', 'start', '--json')).stdout) as { address: string };
    closing.push(() => project.close());
    const authority = new Authority(vault, 'authority');
    const door = await front(address, { ...authority.sign('temporal.example', 'IP:127.0.0.1'), apiKey: SECRETS['API key of Temporal'] });
    closing.push(() => door.close());
    project.env = {
      ...project.env,
      TEMPORAL_ADDRESS: door.address,
      TEMPORAL_API_KEY: SECRETS['API key of Temporal'],
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.cert,
    };

    const command = async (code: number, args: string, more = {}): Promise<void> => {
      const ended = await project.runWith(more, ...args.split(' '));
      keep('output of commands', args, ended.stdout + ended.stderr);
      expect(ended.code, `${args}: ${ended.stderr}`).toBe(code);
    };
    const served = async (work: (port: number) => Promise<void>): Promise<void> => {
      const port = await freePort();
      const flags = ['--queue', 'cpu,gpu', '--slots', '2', '--plugin', TOY, '--log', 'json', '--listen', `127.0.0.1:${port}`];
      const worker = project.start('worker', ...flags);
      closing.push(() => worker.child.kill('SIGKILL'));
      await work(port);
      for (const pid of stepsOf(worker.child.pid!)) {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        for (const what of ['API key of Temporal', 'payload key', 'payload key of before', 'token of the dashboard'])
          expect(environment.includes(SECRETS[what]), `${what} in the environment of a step`).toBe(false);
      }
      worker.child.kill('SIGTERM');
      const ended = await worker.ended;
      keep('logs of workers', `${places.get('logs of workers')?.size ?? 0}`, ended.stdout + ended.stderr);
      expect(ended.code, ended.stderr).toBe(0);
    };

    const telling = project.write('telling.yaml', TELLING);
    const tiny = project.write('tiny.yaml', tinyFile(`tiny-${CONTROL}`));
    const all = ['hook', 'broken', 'mail', 'nomail'].map((channel) => `${channel}:success+failure`).join(',');
    await served(async (port) => {
      await command(1, `run ${telling} --json --notify ${all}`);
      await command(0, `run ${tiny} --notify hook`);
      await command(0, 'export last --as genes,h5ad,multiqc,ro-crate');
      for (const args of ['list --json', 'status last', 'log last --json', `plan ${tiny} --json`, 'notify list']) await command(0, args);
      for (const channel of ['broken', 'nomail']) await command(1, `notify test ${channel}`);
      await command(2, `plan ${tiny} --all`, { AWS_SECRET_ACCESS_KEY: SECRETS['wrong secret key of S3'] });
      await command(2, 'list', { TEMPORAL_API_KEY: SECRETS['wrong API key of Temporal'] });
      keep('output of commands', 'metrics', await fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text()));
      await until(() => works.got.length >= 2 && mail.took.length > 0 && fails.got.length >= 2);
      await look();
    });
    keep('what Temporal keeps', 'plain', await keptBy(address));
    writeFileSync(telling, TELLING.replace(`telling-${CONTROL}`, `sealed-${CONTROL}`));
    project.env = { ...project.env, PANELFLOW_PAYLOAD_KEY: `${SECRETS['payload key']},${SECRETS['payload key of before']}` };
    await served(async () => {
      await command(1, `run ${telling} --notify ${all}`);
      for (const args of ['log last', 'list']) await command(0, args);
    });
    keep('what Temporal keeps', 'encrypted', await keptBy(address));

    for (const [name, bytes] of await bucket.all()) keep('objects in the store', name, bytes);
    for (const name of readdirSync(project.folder, { recursive: true, encoding: 'utf8' })) {
      if (name.startsWith('cache/temporal/') || !lstatSync(project.path(name)).isFile()) continue;
      const place = name.startsWith('results') ? (name.includes('/export/') ? 'exported files' : 'results') : 'files of the machine';
      keep(place, name, project.bytes(name));
    }
  });

  /** Asks the dashboard for all that it tells. */
  async function look(): Promise<void> {
    const dashboard = await Dashboard.open(project);
    const headers = { authorization: `Bearer ${SECRETS['token of the dashboard']}` };
    const get = async (path: string): Promise<string> => {
      const { status, text } = await dashboard.ask(path, { headers });
      expect(status, `${path}: ${text}`).toBe(200);
      keep('answers of the dashboard', path, text);
      return text;
    };
    const runs = JSON.parse(await get('/api/runs')) as { run: string }[];
    for (const { run } of runs) {
      await get(`/api/runs/${run}`);
      const { tasks } = JSON.parse(await get(`/api/runs/${run}/plan`)) as { tasks: [id: string][] };
      await get(`/api/runs/${run}/states`);
      for (const [id] of tasks) await get(`/api/runs/${run}/tasks/${encodeURIComponent(id)}`);
    }
    const { stdout, stderr } = await dashboard.close();
    keep('output of commands', 'ui', stdout + stderr);
  }

  const PLACES = [
    'output of commands',
    'logs of workers',
    'what Temporal keeps',
    'objects in the store',
    'results',
    'exported files',
    'files of the machine',
    'answers of the dashboard',
  ];

  it.each(PLACES)('would be found: %s', (place) => {
    expect(
      [...places.get(place)!.entries()].filter(([name, bytes]) => name.includes(CONTROL) || holds(bytes, CONTROL)).length,
    ).toBeGreaterThan(0);
  });

  it.each(PLACES)('is not there: %s', (place) => {
    const found: string[] = [];
    for (const [name, bytes] of places.get(place)!)
      for (const [what, secret] of Object.entries(SECRETS))
        if (name.includes(secret) || holds(bytes, secret)) found.push(`${what}: ${name}`);
    expect(found).toEqual([]);
  });

  it('is found where it is in another form', () => {
    const text = SECRETS['password of mail'];
    for (const form of [text, Buffer.from(text).toString('base64'), Buffer.from(text).toString('hex')])
      expect(holds(Buffer.from(`a ${form} b`), text)).toBe(true);
    expect(holds(Buffer.from('nothing'), text)).toBe(false);
  });
});
