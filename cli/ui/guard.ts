import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** Who may ask, and what for. */
export interface GuardOptions {
  /** The name or address that is listened at. */
  readonly host: string;
  /** What everybody must show; undefined where only this machine can reach the server. */
  readonly token: string | undefined;
}

/** Headers of every answer. Nothing is loaded from elsewhere, nothing runs that is not a file of ours, nobody may frame the page. */
export const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** A report carries its own style and script; it is shut in: it reaches neither this server nor any other. */
export const REPORT_POLICY =
  "sandbox allow-scripts allow-downloads allow-popups; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1']);
export const isLoopback = (host: string): boolean => LOOPBACK.has(host);

/** A host as it stands in a header, without port and brackets. */
const bare = (host: string): string =>
  host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();

/** Why a request is refused, as status and text; undefined when it may pass. */
export function refusal(request: IncomingMessage, options: GuardOptions): readonly [number, string] | undefined {
  const { headers, method } = request;
  // A name that an attacker's server resolves to this machine (DNS rebinding) is none of ours; an address cannot be rebound.
  const host = bare(headers.host ?? '');
  const names = [options.host.toLowerCase(), ...(isLoopback(options.host) ? LOOPBACK : [hostname().toLowerCase(), 'localhost'])];
  if (!names.includes(host) && (isLoopback(options.host) || isIP(host) === 0)) return [403, 'This server does not go by that name'];
  if (headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] !== 'navigate') return [403, 'Asked for by another site'];
  if (options.token !== undefined && !shows(request, options.token))
    return [401, 'A token is wanted: open the address that `panelflow ui` printed'];
  if (method === 'GET' || method === 'HEAD') return undefined;
  if (method !== 'POST') return [405, 'GET or POST'];
  if (!/^application\/json\b/.test(headers['content-type'] ?? '')) return [415, 'JSON is wanted'];
  const bearer = options.token !== undefined && same(headers.authorization ?? '', `Bearer ${options.token}`);
  if (!bearer && !isSameOrigin(headers.origin, headers.host)) return [403, 'Asked for by another site'];
  return undefined;
}

function isSameOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || host === undefined || !URL.canParse(origin)) return false;
  return new URL(origin).host === new URL(`http://${host}`).host;
}

/** The name of the cookie that a browser keeps the token in; ports share cookies. */
export const cookieName = (host: string | undefined): string => `panelflow-ui-${/:(\d+)$/.exec(host ?? '')?.[1] ?? '80'}`;

function shows({ headers }: IncomingMessage, token: string): boolean {
  if (same(headers.authorization ?? '', `Bearer ${token}`)) return true;
  const name = cookieName(headers.host);
  const cookies = (headers.cookie ?? '').split(/;\s*/).map((pair) => pair.split('='));
  return cookies.some(([key, value = '']) => key === name && same(value, token));
}

/** Compares two texts in a time that tells nothing of where they differ. */
export function same(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
