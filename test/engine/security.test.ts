import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../cli/connect.ts';
import { freePort } from '../../cli/embedded/server.ts';
import { type SecuritySettings, settings } from '../../cli/settings.ts';
import type { PanelflowError } from '../../core/errors.ts';
import { TOY, Project, until } from './_engine.ts';
import { stepsOf } from './_processes.ts';
import { Authority, canMakeCertificates, front, type Front, type Pair } from './_tls.ts';

const API_KEY = 'planted-key-8f2c41d7';
const NOTHING: SecuritySettings = {
  apiKey: undefined,
  tls: undefined,
  certificate: undefined,
  key: undefined,
  authority: undefined,
  serverName: undefined,
};

/** Files below a folder that hold a text. */
const holding = (folder: string, text: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(text));

describe.skipIf(!canMakeCertificates())('a Temporal server behind TLS', () => {
  const project = new Project();
  const fronts: Front[] = [];
  let authority: Authority;
  let stranger: Authority;
  let server: Pair;
  let client: Pair;
  let open: Front;
  let mutual: Front;
  let keyed: Front;

  beforeAll(async () => {
    authority = new Authority(project.folder, 'authority');
    stranger = new Authority(project.folder, 'stranger');
    server = authority.sign('temporal.example', 'IP:127.0.0.1');
    client = authority.sign('client');
    const { address } = JSON.parse((await project.run('server', 'start', '--json')).stdout) as { address: string };
    open = await front(address, server);
    mutual = await front(address, { ...server, clients: authority, apiKey: API_KEY });
    keyed = await front(address, { ...server, apiKey: API_KEY });
    fronts.push(open, mutual, keyed);
  });
  afterAll(async () => {
    for (const one of fronts) one.close();
    await project.close();
  });

  const refused = async (address: string, security: Partial<SecuritySettings>): Promise<PanelflowError> =>
    connect({ ...settings({ address }), security: { ...NOTHING, ...security } }, () => {}).then(
      async (connected) => connected.close().then(() => Promise.reject(new Error('it was let in'))),
      (error: PanelflowError) => error,
    );

  it('runs a sweep over mutual TLS with an API key, which nobody else hears of', async () => {
    const env = {
      TEMPORAL_ADDRESS: mutual.address,
      TEMPORAL_API_KEY: API_KEY,
      TEMPORAL_TLS_CLIENT_CERT_PATH: client.cert,
      TEMPORAL_TLS_CLIENT_KEY_PATH: client.key,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.cert,
    };
    const worker = project.startWith(env, 'worker', '--queue', 'cpu,gpu', '--slots', '1', '--plugin', TOY);
    const run = project.startWith(env, 'run', project.sweep('secure', [1, 2, 3], { ms: 300 }), '--json');
    await until(() => stepsOf(worker.child.pid!).length > 0);
    const environments = [...stepsOf(worker.child.pid!)].map((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8'));
    const ended = await run.ended;
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    worker.child.kill('SIGTERM');
    const { code, stdout, stderr } = await worker.ended;
    expect(code, stderr).toBe(0);
    expect(new Set(mutual.shown)).toEqual(new Set([`Bearer ${API_KEY}`]));
    for (const text of [ended.stdout, ended.stderr, stdout, stderr, ...environments]) expect(text).not.toContain(API_KEY);
    expect(holding(project.folder, API_KEY)).toEqual([]);
  });

  const pem = (name: string): string => {
    writeFileSync(project.path(name), 'not what it should be');
    return project.path(name);
  };
  const cases: [string, () => [front: Front, security: Partial<SecuritySettings>], mend: string][] = [
    ['a server of an unknown authority', () => [open, { tls: 'true' }], 'TEMPORAL_TLS_SERVER_CA_CERT_PATH'],
    ['a server of another authority', () => [open, { authority: stranger.cert }], 'TEMPORAL_TLS_SERVER_CA_CERT_PATH'],
    ['a server by another name', () => [open, { authority: authority.cert, serverName: 'other.example' }], 'TEMPORAL_TLS_SERVER_NAME'],
    ['no TLS where the server speaks it', () => [open, {}], 'TEMPORAL_TLS'],
    ['no certificate where one is wanted', () => [mutual, { authority: authority.cert, apiKey: API_KEY }], 'TEMPORAL_TLS_CLIENT_CERT_PATH'],
    ['a certificate of a stranger', () => strange(), 'TEMPORAL_TLS_CLIENT_CERT_PATH'],
    ['no API key where one is wanted', () => [keyed, { authority: authority.cert }], 'TEMPORAL_API_KEY'],
    ['another API key', () => [keyed, { authority: authority.cert, apiKey: 'another' }], 'TEMPORAL_API_KEY'],
    ['an API key without TLS', () => [keyed, { apiKey: API_KEY, tls: 'false' }], 'TEMPORAL_TLS'],
    ['an API key of two lines', () => [keyed, { apiKey: `${API_KEY}\n${API_KEY}` }], 'key alone'],
    ['a switch that is none', () => [open, { tls: 'yes' }], 'true or false'],
    ['a certificate without its key', () => [open, { certificate: client.cert }], 'both'],
    ['a key without its certificate', () => [open, { key: client.key }], 'both'],
    ['a key of another certificate', () => [open, { certificate: client.cert, key: server.key }], 'made together'],
    ['a file that is not there', () => [open, { authority: project.path('nowhere.pem') }], 'path'],
    ['a file that is no certificate', () => [open, { authority: pem('no.pem') }], 'PEM'],
    ['a file that is no key', () => [open, { certificate: client.cert, key: pem('no.key') }], 'PEM'],
  ];
  const strange = (): [Front, Partial<SecuritySettings>] => {
    const { cert, key } = stranger.sign('visitor');
    return [mutual, { authority: authority.cert, apiKey: API_KEY, certificate: cert, key }];
  };
  it.concurrent.each(cases)('says what is wrong: %s', async (_, make, mend) => {
    const [{ address }, security] = make();
    const error = await refused(address, security);
    expect(error).toMatchObject({ code: 'CONFIG' });
    expect(error.mend).toContain(mend);
    expect(JSON.stringify([error.message, error.context, error.mend])).not.toContain(API_KEY);
  });

  it('says that a server does not speak TLS, or that none answers', async () => {
    const { address } = JSON.parse((await project.run('server', 'status', '--json')).stdout) as { address: string };
    expect(await refused(address, { tls: 'true' })).toMatchObject({ code: 'CONFIG', mend: expect.stringContaining('port') });
    expect(await refused(`127.0.0.1:${await freePort()}`, { tls: 'true' })).toMatchObject({ code: 'RESOURCE' });
  });
});
