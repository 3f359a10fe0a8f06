import { afterEach, expect, it } from 'vitest';
import { deliver } from '../../notify/deliver.ts';
import { FileStore } from '../../plugins/stores/fs.ts';
import type { SMTPServerOptions } from 'smtp-server';
import { channels, mailServer, newFolder, notice, refusal } from './_stage.ts';

const PASSWORD = 'p@ss/word:1';
const SECRETS = [PASSWORD, encodeURIComponent(PASSWORD), Buffer.from(`\0me\0${PASSWORD}`).toString('base64')];
const closing: (() => Promise<void>)[] = [];
afterEach(() => Promise.all(closing.splice(0).map((close) => close())));

async function server(options: SMTPServerOptions = {}, host = '127.0.0.1'): Promise<Awaited<ReturnType<typeof mailServer>>> {
  const started = await mailServer(options);
  closing.push(started.close);
  process.env.SMTP = `smtp://me:${encodeURIComponent(PASSWORD)}@${host}:${started.port}`;
  channels(
    "channels: { pi: { email: { smtp: '${SMTP}', from: Flow <flow@lab.example>, to: ['\"Lovelace, Ada\" <ada@lab.example>', bob@lab.example] } } }",
  );
  return started;
}
const refuse = (code: number): Error => Object.assign(new Error(`no: ${PASSWORD}`), { responseCode: code });
const send = (store = new FileStore(newFolder()), given = notice): Promise<string> => deliver(given, 'pi', { store });

it('delivers once, however often it is called, after the server said "later"', async () => {
  const laters = [451, 421, 450];
  const logins: unknown[] = [];
  const { took } = await server({
    onMailFrom: (_, __, done) => done(laters.length > 0 ? refuse(laters.shift()!) : undefined),
    onAuth: ({ username, password }, _, done) => {
      logins.push([username, password]);
      done(null, { user: username });
    },
  });
  const store = new FileStore(newFolder());
  for (const status of [...laters])
    expect(await refusal(send(store), SECRETS)).toMatchObject({ retryable: true, context: { channel: 'pi', host: '127.0.0.1', status } });
  expect(await send(store)).toBe('delivered');
  expect(await send(store)).toBe('before');
  expect(took).toHaveLength(1);
  expect(logins).toEqual(Array.from({ length: 4 }, () => ['me', PASSWORD]));
});

it('writes plain text and HTML, under an identifier that a second try repeats', async () => {
  const { took } = await server();
  await send();
  await send();
  const [one, two] = took;
  const id = /^Message-ID: <[0-9a-f]{32}@lab\.example>$/im;
  expect(id.exec(one)?.[0]).toBeDefined();
  expect(id.exec(one)?.[0]).toBe(id.exec(two)?.[0]);
  expect(one).toMatch(/^Date: Fri, 02 Jan 2026 03:04:05/m);
  expect(one).toMatch(/^Subject: zeisel drifted: <2> of 12 metrics & more\r$/m);
  expect(one).toMatch(/^From: Flow <flow@lab\.example>\r$/m);
  expect(one).toMatch(/^To: "Lovelace, Ada" <ada@lab\.example>, bob@lab\.example\r$/m);
  expect(one).toContain('Content-Type: text/plain');
  expect(one).toContain('zeisel drifted: &lt;2&gt; of 12 metrics &amp; more');
});

it('lets no title or name write headers', async () => {
  const { took } = await server();
  await send(undefined, { ...notice, title: 'a\r\nBcc: eve@evil.example\r\n\r\nbody\u0000' });
  const head = took[0].split('\r\n\r\n')[0];
  expect(head).not.toMatch(/^(Bcc|body)/im);
  expect(head).toContain('a Bcc: eve@evil.example body');
  expect(took[0].split('\r\n').filter((line) => line.startsWith('To: '))).toHaveLength(1);
});

it('says which refusals last', async () => {
  await server({ onAuth: (_, __, done) => done(refuse(535)) });
  expect(await refusal(send(), SECRETS)).toMatchObject({ retryable: false, context: { status: 535, reason: 'EAUTH' } });
  await server({ onRcptTo: (_, __, done) => done(refuse(550)) });
  expect(await refusal(send(), SECRETS)).toMatchObject({ retryable: false, context: { status: 550 } });
  const { took } = await server({ onRcptTo: ({ address }, _, done) => done(address.startsWith('bob') ? refuse(550) : undefined) });
  expect(await refusal(send(), SECRETS)).toMatchObject({ retryable: false, context: { reason: 'refused for 1 of 2 recipients' } });
  expect(took).toHaveLength(1);
  const { close } = await server();
  await close();
  expect(await refusal(send(), SECRETS)).toMatchObject({ retryable: true, context: { reason: 'ECONNREFUSED' } });
});

it('sends no password where the connection to another machine stays in the clear, or its certificate is unknown', async () => {
  let logins = 0;
  const onAuth: SMTPServerOptions['onAuth'] = (_, __, done) => {
    logins++;
    done(null, { user: 'me' });
  };
  // An address of this machine that does not look like one.
  await server({ onAuth, disabledCommands: ['STARTTLS'] }, '0.0.0.0');
  expect(await refusal(send(), SECRETS)).toMatchObject({ retryable: false, context: { reason: 'ETLS' } });
  for (const host of ['0.0.0.0', '127.0.0.1']) {
    await server({ onAuth, hideSTARTTLS: false }, host);
    expect(await refusal(send(), SECRETS)).toMatchObject({ retryable: false, context: { reason: expect.stringContaining('CERT') } });
  }
  expect(logins).toBe(0);
});
