import * as z from 'zod';
import { checkHost } from '../core/allowed.ts';
import { allowedHosts } from '../workers/machine.ts';
import { isDistrust, TRUST, undelivered } from './kind.ts';

const TIMEOUT_MS = 20_000;
/** What passes: the server was slow, saw the request too early, or was asked too often (RFC 9110, 8470, 6585). */
const PASSING = [408, 425, 429];
const MOST_WAIT_MS = 3_600_000;

/** An address to post to. */
export const HookUrl = z.string().superRefine((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') context.addIssue('an address that begins with https:// is expected');
  else if (url.username !== '' || url.password !== '')
    context.addIssue('an address without name and password is expected; `headers` of a webhook may hold Authorization');
});

/** What an HTTP request needs to be. */
export interface Post {
  readonly channel: string;
  readonly url: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Posts JSON once. Any answer but 2xx is an error; a redirect, too, since it could lead what is sent to a stranger. */
export async function post({ channel, url, body, headers = {} }: Post): Promise<void> {
  const { host, hostname } = new URL(url);
  checkHost(hostname, allowedHosts());
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'user-agent': 'panelflow', ...headers, 'content-type': 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: unknown } };
    const reason = typeof cause?.code === 'string' ? cause.code : name;
    const mend = isDistrust(reason) ? TRUST : 'Check the network, and that the server runs.';
    throw undelivered({ channel, host, reason, retryable: !isDistrust(reason), mend });
  }
  await response.body?.cancel().catch(() => undefined);
  if (!response.ok) throw refusal(channel, host, response);
}

function refusal(channel: string, host: string, { status, headers }: Response): Error {
  const retryable = PASSING.includes(status) || status >= 500;
  const mend = retryable
    ? 'The server may take it later.'
    : status < 400
      ? 'Write the address that it leads to into the channels file.'
      : 'Check the address and the secret in the channels file, and that the hook still exists.';
  return undelivered({ channel, host, status, retryable, mend, ...(retryable ? { retryAfterMs: pause(headers.get('retry-after')) } : {}) });
}

/** Milliseconds that a Retry-After asks for, in seconds or as a date (RFC 9110, 10.2.3); an hour at most. */
function pause(text: string | null): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(0, Math.round(ms)), MOST_WAIT_MS) : undefined;
}
