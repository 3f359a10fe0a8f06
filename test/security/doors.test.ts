import { symlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { allowedOf, checkHost, checkPath } from '../../core/allowed.ts';
import { outOf, runNameOf } from '../../core/drops.ts';
import { parseEvents } from '../../core/s3-events.ts';
import { parseS3 } from '../../core/s3-uri.ts';
import { fetchDataset } from '../../data/catalogue.ts';
import type { CatalogueEntry } from '../../data/catalogue-entries.ts';
import { post } from '../../notify/post.ts';
import command from '../../plugins/commands/run.ts';
import { FileStore } from '../../plugins/stores/fs.ts';
import { fileHasher } from '../../runs/hash-files.ts';
import { loadRegistry, openStore } from '../../workers/compose.ts';
import { testContext } from '../kit/tiny-atlas.ts';
import { refused, scratch } from './_hostile.ts';

const { folder, at, write } = scratch();
const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

/** A server at a free port of this machine. */
async function serve(listener: RequestListener): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('the store refuses paths that lead out of it', () => {
  const store = new FileStore(at('store'));
  const sha256 = `${'../'.repeat(21)}x`;
  refused(
    (
      [
        ['a record above it', () => store.readRecord('runs/../../../etc/passwd')],
        ['a record at the top', () => store.writeRecord('/etc/cron.d/x', 'x')],
        ['a record with a NUL', () => store.writeRecord('runs/a\0b.json', 'x')],
        ['a record behind backslashes', () => store.createRecord('..\\..\\x', 'x')],
        ['a list above it', () => store.listRecords('../')],
        ['folders above it', () => store.listFolders('../../')],
        ['all records above it, to be removed', () => store.removeRecords('runs/../../')],
        ['an object whose hash is a path', () => store.get({ sha256, bytes: 1, type: 'x' })],
        ['an object to be removed whose hash is a path', () => store.remove({ sha256, bytes: 1, type: 'x' })],
      ] as const
    ).map(([name, attempt]) => ({ name, try: attempt, code: 'ARTIFACT' as const, says: /no path in the store/ })),
  );
  refused([
    { name: 'a store at an address', try: () => openStore('http://127.0.0.1/x'), code: 'CONFIG', says: /not supported/ },
    { name: 'a bucket that is a path', try: () => parseS3('s3://../x'), code: 'CONFIG', says: /names no bucket/ },
    { name: 'a bucket that is another host', try: () => parseS3('s3://evil.example@127.0.0.1/x'), code: 'CONFIG', says: /names no bucket/ },
  ]);
});

describe('keys of objects', () => {
  const drop = (key: string): { key: string; version: string; etag: string } => ({ key, version: '../v', etag: 'e' });
  it.each(['../../etc/x', '/etc/x', 'a/../../b', '..', '.', '', 'a//b', 'a\nb\0c', './.', '…/%2e%2e/x', 'x'.repeat(1024)])(
    '%j stays below the folder of results',
    (key) => {
      for (const place of ['/results/{key}', '/results/{stem}', '/results/{folder}/x', '/results/{version}'])
        expect(outOf(place, drop(key)).split('/').slice(1)).toEqual(expect.not.arrayContaining(['..', '.', '']));
      expect(outOf('/results/{key}', drop(key))).toMatch(/^\/results\/[^\p{Cc}]+$/u);
      expect(runNameOf('watch', key)).toMatch(/^[A-Za-z][\w-]{0,99}$/);
    },
  );

  it('are left as they are in a bucket, where dots lead nowhere', () => {
    expect(outOf('s3://b/{key}.panelflow', drop('a/../b'))).toBe('s3://b/a/../b.panelflow');
  });

  it('%-signs that stand for dots are decoded once', () => {
    const record = { eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'b' }, object: { key: '%252e%252e/x' } } };
    expect(parseEvents(JSON.stringify({ Records: [record] })).nudges).toMatchObject([{ key: '%2e%2e/x' }]);
  });

  it.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['records of nothing', '{"Records":[null]}'],
    ['a record without a key', '{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"}}}]}'],
    ['a key that is a map', '{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":{}}}}]}'],
    [
      'a message within messages',
      JSON.stringify(Array.from({ length: 9 }).reduce((inner) => ({ TopicArn: 'x', Message: JSON.stringify(inner) }), {})),
    ],
    ['100,000 brackets', '['.repeat(100_000)],
  ])('an event that is %s is set aside with a reason', (_, text) => {
    expect(parseEvents(text)).toMatchObject({ nudges: [], problem: expect.any(String) });
  });
});

describe('what is fetched and sent', () => {
  let site: Awaited<ReturnType<typeof serve>>;
  beforeAll(async () => {
    site = await serve((asked, answer) => {
      if (asked.url === '/endless') {
        const more = setInterval(() => answer.write(Buffer.alloc(65_536)), 1);
        answer.once('close', () => clearInterval(more));
      } else if (asked.url === '/away') answer.writeHead(302, { location: 'http://169.254.169.254/latest' }).end();
      else if (asked.url === '/file') answer.writeHead(302, { location: 'file:///etc/passwd' }).end();
      else if (asked.url === '/there') answer.writeHead(302, { location: `http://localhost:${new URL(site.url).port}/x` }).end();
      else answer.end('x');
    });
  });
  afterAll(() => {
    site.server.closeAllConnections();
    site.server.close();
  });
  const fetched =
    (path: string, options: object = {}) =>
    (): unknown =>
      fetchDataset('x', at(`fetched${path}`), {
        entries: [{ name: 'x', file: 'x.csv', url: site.url + path, source: 'x' } as CatalogueEntry],
        ...options,
      });
  const posted = (path: string, hosts?: string) => (): unknown => {
    if (hosts !== undefined) process.env.PANELFLOW_ALLOW_HOSTS = hosts;
    return post({ channel: 'lab', url: site.url + path, body: '{}' });
  };
  refused([
    { name: 'a body without an end', try: fetched('/endless', { most: 2 ** 20 }), code: 'RESOURCE', says: /could not be downloaded/ },
    { name: 'a redirect to a file', try: fetched('/file'), code: 'RESOURCE', says: /could not be downloaded/ },
    { name: 'a host that is not listed', try: fetched('/x', { hosts: ['data.example.org'] }), code: 'CONFIG', says: /may not reach 127/ },
    {
      name: 'a redirect to a host that is not listed',
      try: fetched('/there', { hosts: ['127.0.0.1'] }),
      code: 'CONFIG',
      says: /may not reach localhost/,
    },
    {
      name: 'a dataset that is not the one of the catalogue',
      try: () => fetchDataset('../../etc/passwd', folder),
      code: 'DATA',
      says: /no dataset/,
    },
    { name: 'a notice that is redirected', try: posted('/away'), code: 'RESOURCE', says: /not delivered/ },
    { name: 'a notice to a host that is not listed', try: posted('/x', 'hooks.example.org'), code: 'CONFIG', says: /may not reach/ },
    {
      name: 'a host that ends like one that is listed',
      try: () => checkHost('evil-example.org', ['*.example.org', 'example.org']),
      code: 'CONFIG',
      says: /may not reach/,
    },
  ]);

  it('goes to hosts that are listed', async () => {
    await posted('/x', 'hooks.example.org, 127.0.0.1')();
    expect(() => checkHost('a.example.org', ['*.example.org'])).not.toThrow();
    expect(allowedOf(' ')).toBeUndefined();
  });
});

describe('inputs outside of the folders that are allowed', () => {
  const hashed = (name: string) => (): unknown => {
    process.env.PANELFLOW_ALLOW_PATHS = `${at('data')}, s3://lab/in`;
    return fileHasher(folder)(name);
  };
  beforeAll(() => {
    write('data/fine.csv', 'x');
    write('data2/secret.csv', 'x');
    symlinkSync(at('data2/secret.csv'), at('data/link.csv'));
  });
  refused([
    { name: 'a file of the system', try: hashed('/etc/hostname'), code: 'CONFIG', says: /may not read/ },
    { name: 'a way up', try: hashed('data/../data2/secret.csv'), code: 'CONFIG', says: /may not read/ },
    { name: 'a folder whose name begins alike', try: hashed('data2/secret.csv'), code: 'CONFIG', says: /may not read/ },
    { name: 'a link that leads out', try: hashed('data/link.csv'), code: 'CONFIG', says: /may not read/ },
    { name: 'another bucket', try: hashed('s3://other/in/x.h5ad'), code: 'CONFIG', says: /may not read/ },
    { name: 'a prefix that begins alike', try: hashed('s3://lab/inner/x.h5ad'), code: 'CONFIG', says: /may not read/ },
    { name: 'a way up in a bucket', try: () => checkPath('s3://lab/in/../secret', ['s3://lab/in']), code: 'CONFIG', says: /may not read/ },
  ]);
  it('are others than those within', async () => {
    await expect(hashed('data/fine.csv')()).resolves.toMatchObject({ path: at('data/fine.csv') });
  });
});

describe('packages of plugins are refused', () => {
  refused([
    { name: 'a module of Node', try: () => loadRegistry(['node:child_process'], folder), code: 'PLUGIN', says: /cannot be loaded/ },
    { name: 'a module of Node by its short name', try: () => loadRegistry(['fs'], folder), code: 'PLUGIN', says: /cannot be loaded/ },
    {
      name: 'a package that is not there',
      try: () => loadRegistry(['panelflow-plugin-evil'], folder),
      code: 'PLUGIN',
      says: /not installed/,
    },
    { name: 'a path that is not there', try: () => loadRegistry(['../../evil'], folder), code: 'PLUGIN', says: /not installed/ },
    { name: 'code at an address', try: () => loadRegistry(['https://evil.example/x.js'], folder), code: 'PLUGIN', says: /not installed/ },
    {
      name: 'code in the name',
      try: () => loadRegistry(['data:text/javascript,process.exit(9)'], folder),
      code: 'PLUGIN',
      says: /not installed/,
    },
    {
      name: 'a file that is no code',
      try: () => loadRegistry([write('x.mjs', 'not code')], folder),
      code: 'PLUGIN',
      says: /cannot be loaded/,
    },
    {
      name: 'a file that is no plugin',
      try: () => loadRegistry([write('y.mjs', 'export default 1')], folder),
      code: 'PLUGIN',
      says: /no plugin/,
    },
    {
      name: 'a step by the name of a method',
      try: async () => (await loadRegistry([])).load('constructor'),
      code: 'PLUGIN',
      says: /Nothing provides/,
    },
    {
      name: 'a step by a path',
      try: async () => (await loadRegistry([])).load('selector/../../evil'),
      code: 'PLUGIN',
      says: /Nothing provides/,
    },
  ]);
});

describe('programs', () => {
  const run = async (given: object): Promise<string> => {
    const { outputs } = await command.run(testContext(), {}, command.params.parse(given));
    return Buffer.from((outputs.out as { bytes: Uint8Array }[])[0].bytes).toString();
  };
  it('get their arguments as they are: no shell reads them', async () => {
    const args = ['; rm -rf /', '$(id)', '`id`', '| cat', '&& id', '*', '~', '$HOME', "'", '"', '\\', '> /tmp/x', '-n\n'];
    expect(await run({ argv: ['printf', '%s|', ...args] })).toBe(`${args.join('|')}|`);
  });
  it('get nothing of the secrets of the worker', async () => {
    process.env.AWS_SECRET_ACCESS_KEY = 'secret';
    process.env.TEMPORAL_API_KEY = 'secret';
    expect(await run({ argv: ['env'] })).not.toMatch(/secret|AWS|TEMPORAL|PANELFLOW/);
  });
  refused([
    {
      name: 'a program whose words move the cursor',
      try: () => run({ argv: ['sh', '-c', "printf '\\033[2J\\033]0;x\\007gone' >&2; exit 3"] }),
      code: 'DATA',
      says: /^[^\p{Cc}]*gone$/u,
    },
    { name: 'a program that is not there', try: () => run({ argv: ['../../bin/sh -c id'] }), code: 'CONFIG', says: /no program/ },
  ]);
});
