import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Ledger } from '../../activities/ledger.ts';
import { freePort } from '../../cli/embedded/server.ts';
import type { Reader } from '../../cli/ui/reader.ts';
import { UiServer } from '../../cli/ui/server.ts';
import { Door } from '../../cli/watch/door.ts';
import { FileStore } from '../../plugins/stores/fs.ts';
import { scratch } from './_hostile.ts';

const { folder, at } = scratch();

interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An answer's status and text. One that comes while the request is still being sent may break the line: then it is 0. */
const ask = (
  port: number,
  path: string,
  { method = 'GET', headers = {}, body = '' }: Asking = {},
): Promise<{ status: number; text: string }> =>
  new Promise((done) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => done({ status: answer.statusCode ?? 0, text }));
    });
    asked.on('error', () => done({ status: 0, text: '' }));
    asked.end(body);
  });
const tooLong = 'x'.repeat(2 ** 21);

describe('servers of this machine', () => {
  it('the dashboard answers what makes no sense with one line', async () => {
    const ui = await UiServer.open({} as Reader, { host: '127.0.0.1', port: 0, token: undefined, folder });
    const page = { 'content-type': 'application/json', origin: `http://127.0.0.1:${ui.port}` };
    try {
      for (const path of ['//[', '/%', '/%00', '/..%2f..%2fetc%2fpasswd', '/api/constructor', '/results/a/b/c', `/${'x'.repeat(8_000)}`])
        expect([400, 404], path).toContain((await ask(ui.port, path)).status);
      for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH']) expect((await ask(ui.port, '/', { method })).status).toBe(405);
      expect([0, 400]).toContain((await ask(ui.port, '/api/start', { method: 'POST', headers: page, body: tooLong })).status);
      const bodies = [
        '{',
        '[]',
        '{"file":"../x.yaml"}',
        '{"file":"x","__proto__":{"set":[1]}}',
        `{"file":"x","name":"${'../'.repeat(100)}"}`,
      ];
      for (const body of bodies) {
        const { status, text } = await ask(ui.port, '/api/start', { method: 'POST', headers: page, body });
        expect([status >= 400 && status < 500, JSON.parse(text)], body).toEqual([true, expect.objectContaining({ code: 'CONFIG' })]);
        expect(text).not.toMatch(/\\n +at /);
      }
    } finally {
      await ui.close();
    }
  });

  it('the door for events takes none from a page, none that is too long, and none without its token', async () => {
    const port = await freePort();
    const door = await Door.open({ host: '127.0.0.1', port, token: 'secret-token' });
    const told: unknown[] = [];
    const spec = { bucket: 'b', glob: '*', marker: null, manifest: null } as never;
    const tell = (heard: unknown): Promise<void> => Promise.resolve(void told.push(heard));
    door.listener = { spec, ledger: new Ledger(new FileStore(at('ledger')), 'w'), tell };
    const event = JSON.stringify({
      Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'other' }, object: { key: '../x' } } }],
    });
    const sent = (body: string, headers: Record<string, string> = {}): Asking => ({ method: 'POST', body, headers });
    const known = { authorization: 'Bearer secret-token' };
    try {
      expect((await ask(port, '/', sent(event))).status).toBe(401);
      expect((await ask(port, '/?token=wrong', sent(event))).status).toBe(401);
      expect((await ask(port, '/', sent(event, { ...known, origin: 'http://evil.example' }))).status).toBe(403);
      expect([0, 413]).toContain((await ask(port, '/', sent(tooLong, known))).status);
      expect((await ask(port, '/', sent('{', known))).status).toBe(400);
      expect((await ask(port, '/', sent(event, known))).status).toBe(200);
      expect(told).toMatchObject([{ dead: [expect.any(String)] }, { keys: [], ignored: 1 }]);
    } finally {
      await door.close();
    }
  });
});
