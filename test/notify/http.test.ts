import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';
import { ArtifactError } from '../../core/errors.ts';
import { deliver } from '../../notify/deliver.ts';
import { FileStore } from '../../plugins/stores/fs.ts';
import { type Answer, channels, httpServer, newFolder, notice, type Received, refusal } from './_stage.ts';

const OK: Answer = { status: 200 };
const PATH = '/services/T0AAA/B0BBB/hook-secret-xyz';
const KEY = Buffer.from('a key of more than twenty-four bytes');
const TEXT_KEY = 'plain text secret';
const SECRETS = ['hook-secret-xyz', 'B0BBB', KEY.toString('base64'), TEXT_KEY, 'Bearer token-42'];

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function server(answers: Answer[], port?: number): Promise<Awaited<ReturnType<typeof httpServer>>> {
  const started = await httpServer(answers, port);
  closing.push(started.close);
  process.env.CI_SECRET = `whsec_${KEY.toString('base64')}`;
  channels(`channels:
  ci: { webhook: ${started.url}${PATH}, secret: '\${CI_SECRET}', headers: { Authorization: Bearer token-42 } }
  plain: { webhook: ${started.url}${PATH}, secret: ${TEXT_KEY}, template: { title: '{{event}} of {{ run }}: {{facts.f1.mean}}{{facts.none}}' } }
  lab: { slack: ${started.url}${PATH} }
`);
  return started;
}

/** The signature as a receiver computes it: by Standard Webhooks, from the bytes that came. */
const signature = ({ headers, body }: Received, key: Buffer | string): string =>
  `v1,${createHmac('sha256', key)
    .update(Buffer.concat([Buffer.from([headers['webhook-id'], headers['webhook-timestamp'], ''].join('.')), body]))
    .digest('base64')}`;

it('delivers once, however often it is called, after an error, a refused connection and a broken one', async () => {
  const store = new FileStore(newFolder());
  const send = (channel = 'ci'): Promise<string> => deliver(notice, channel, { store });
  const first = await server([{ status: 500 }, 'hang up']);
  expect(await refusal(send(), SECRETS)).toMatchObject({ retryable: true, context: { channel: 'ci', status: 500 } });
  expect(await refusal(send(), SECRETS)).toMatchObject({ retryable: true, context: { reason: 'UND_ERR_SOCKET' } });
  await first.close();
  expect(await refusal(send(), SECRETS)).toMatchObject({
    retryable: true,
    context: { channel: 'ci', host: `127.0.0.1:${first.port}`, reason: 'ECONNREFUSED' },
  });
  const second = await server([OK], first.port);
  expect(await send()).toBe('delivered');
  expect(await send()).toBe('before');
  expect(await deliver(notice, 'ci', { store: new FileStore(store.uri) })).toBe('before');
  expect(second.got).toHaveLength(1);
  expect([first.got[0].headers['webhook-id'], second.got[0].headers['webhook-id']]).toEqual([notice.id, notice.id]);
  expect(await send('lab')).toBe('delivered');
  expect(await deliver({ ...notice, id: 'another' }, 'ci', { store })).toBe('delivered');
  expect(second.got).toHaveLength(3);
  const records: unknown[] = [];
  for await (const page of store.walkRecords('notices/')) for (const { path } of page) records.push(await store.readRecord(path));
  expect(records).toHaveLength(3);
  for (const secret of SECRETS) expect(records.join('\n')).not.toContain(secret);
});

it('signs the bytes that arrive, with a key in base64 or in plain text', async () => {
  const { got } = await server([OK]);
  for (const channel of ['ci', 'plain']) await deliver(notice, channel, { store: new FileStore(newFolder()) });
  const [ci, plain] = got;
  expect(ci.headers['webhook-signature']).toBe(signature(ci, KEY));
  expect(plain.headers['webhook-signature']).toBe(signature(plain, TEXT_KEY));
  expect(Math.abs(Number(ci.headers['webhook-timestamp']) * 1000 - Date.now())).toBeLessThan(5000);
  expect(ci.headers).toMatchObject({ 'content-type': 'application/json', authorization: 'Bearer token-42' });
  expect(JSON.parse(ci.body.toString())).toEqual(notice);
  expect(JSON.parse(plain.body.toString())).toEqual({ ...notice, title: 'drift of zeisel-1a2b: 0.84' });
});

it('is verified by the code in docs/notify.md, and nothing else is', async () => {
  const page = readFileSync('docs/notify.md', 'utf8');
  const [js, python] = ['js', 'python'].map((language) => page.split(`\`\`\`${language}\n`)[1].split('```')[0]);
  const { isGenuine } = await import(`data:text/javascript,${encodeURIComponent(js)}`);
  const main = 'import json, sys\nh, b, s = json.load(sys.stdin)\nprint(is_genuine(h, b.encode(), s))';
  const inPython = (...given: unknown[]): string =>
    execFileSync('python3', ['-c', `${python}\n${main}`], { input: JSON.stringify(given) }).toString();
  const { got } = await server([OK]);
  await deliver(notice, 'ci', { store: new FileStore(newFolder()) });
  const [{ headers, body }] = got;
  const secret = `whsec_${KEY.toString('base64')}`;
  expect(isGenuine(headers, body, secret)).toBe(true);
  expect(isGenuine(headers, Buffer.concat([body, Buffer.from(' ')]), secret)).toBe(false);
  expect(isGenuine(headers, body, 'another')).toBe(false);
  expect(isGenuine({ ...headers, 'webhook-timestamp': '1' }, body, secret)).toBe(false);
  expect(isGenuine({}, body, secret)).toBe(false);
  expect(inPython(headers, body.toString(), secret)).toBe('True\n');
  expect(inPython(headers, `${body.toString()} `, secret)).toBe('False\n');
});

it('sends the same identifier again when the record of a delivery was lost', async () => {
  const { got } = await server([OK]);
  const store = new FileStore(newFolder());
  vi.spyOn(store, 'writeRecord').mockRejectedValueOnce(new ArtifactError('killed'));
  await refusal(deliver(notice, 'ci', { store }), SECRETS, 'ARTIFACT');
  expect(await deliver(notice, 'ci', { store })).toBe('delivered');
  expect(await deliver(notice, 'ci', { store })).toBe('before');
  expect(got.map(({ headers }) => headers['webhook-id'])).toEqual([notice.id, notice.id]);
});

it('sends an identifier of any letters as a header', async () => {
  const { got } = await server([OK]);
  await deliver({ ...notice, id: 'läufe 1\r\nX-Evil: 1' }, 'plain', { store: new FileStore(newFolder()) });
  expect(got[0].headers['webhook-id']).toBe('l%C3%A4ufe%201%0D%0AX-Evil:%201');
  expect(got[0].headers['webhook-signature']).toBe(signature(got[0], TEXT_KEY));
});

it('writes to Slack what can be read as text alone, and calls nobody', async () => {
  const { got } = await server([OK]);
  const text = `<!channel> a < b && c > d\n${'&'.repeat(2000)}`;
  await deliver(notice, 'lab', { store: new FileStore(newFolder()) });
  await deliver({ ...notice, event: 'failure', run: null, title: 'two\nlines', text }, 'lab', { store: new FileStore(newFolder()) });
  const [one, two] = got.map(({ body }) => JSON.parse(body.toString()));
  expect(one).toEqual({
    text: ':warning: *zeisel drifted: &lt;2&gt; of 12 metrics &amp; more*\nforest f1 0.91 → 0.84\nSee results/zeisel/report.html',
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: one.text } },
      { type: 'context', elements: [{ type: 'mrkdwn', text: 'zeisel · zeisel-1a2b' }] },
    ],
  });
  expect(two.text).toMatch(/^:x: \*two lines\*\n&lt;!channel&gt; a &lt; b &amp;&amp; c &gt; d\n(&amp;)+…$/);
  expect(two.text.length).toBeLessThanOrEqual(3000);
});

it('says which refusals may pass, and how long the server wants to be left alone', async () => {
  const inTwoMinutes = new Date(Date.now() + 120_000).toUTCString();
  const cases: [Answer, object][] = [
    [{ status: 408 }, { retryable: true }],
    [{ status: 425 }, { retryable: true }],
    [
      { status: 429, headers: { 'retry-after': '7' } },
      { retryable: true, context: { status: 429, retryAfterMs: 7000 } },
    ],
    [
      { status: 503, headers: { 'retry-after': '999999999' } },
      { retryable: true, context: { retryAfterMs: 3_600_000 } },
    ],
    [{ status: 503, headers: { 'retry-after': inTwoMinutes } }, { retryable: true }],
    [{ status: 502, headers: { 'retry-after': 'soon' } }, { retryable: true }],
    [{ status: 400 }, { retryable: false }],
    [{ status: 401 }, { retryable: false }],
    [{ status: 404 }, { retryable: false }],
    [{ status: 410 }, { retryable: false }],
  ];
  await server(cases.map(([answer]) => answer));
  const store = new FileStore(newFolder());
  for (const [answer, expected] of cases) {
    const error = await refusal(deliver(notice, 'lab', { store }), SECRETS);
    expect(error, JSON.stringify(answer)).toMatchObject(expected);
    if (JSON.stringify(answer).includes(inTwoMinutes)) expect(error.context.retryAfterMs).toBeGreaterThan(100_000);
    if (JSON.stringify(answer).includes('soon')) expect(error.context).not.toHaveProperty('retryAfterMs');
  }
  for await (const page of store.walkRecords('notices/')) expect(page).toEqual([]);
});

it('does not follow a redirect', async () => {
  const elsewhere = await httpServer([OK]);
  closing.push(elsewhere.close);
  await server([{ status: 307, headers: { location: `${elsewhere.url}${PATH}` } }]);
  const error = await refusal(deliver(notice, 'ci', { store: new FileStore(newFolder()) }), SECRETS);
  expect(error).toMatchObject({ retryable: false, context: { status: 307 } });
  expect(elsewhere.got).toEqual([]);
});

it('gives up on a server that does not answer, and may try again', async () => {
  await server(['silence']);
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  const limit = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(50));
  const error = await refusal(deliver(notice, 'ci', { store: new FileStore(newFolder()) }), SECRETS);
  expect(limit).toHaveBeenCalledWith(20_000);
  expect(error).toMatchObject({ retryable: true, context: { reason: 'TimeoutError' } });
});
