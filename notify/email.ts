import { createHash } from 'node:crypto';
import * as z from 'zod';
import { checkHost } from '../core/allowed.ts';
import { allowedHosts } from '../workers/machine.ts';
import { common, isDistrust, type Kind, TRUST, undelivered } from './kind.ts';

/** For a word of the server, and for all of a delivery. */
const WORD_MS = 20_000;
const ALL_MS = 60_000;
const LOCAL = /^(localhost|127(\.\d+){3}|::1)$/;
/** What another try does not change, where the server said nothing. */
const LASTING = new Set(['EAUTH', 'ENOAUTH', 'EENVELOPE', 'EMESSAGE', 'ETLS', 'ECONFIG']);
/** "Bad sequence" is about the connection, not about the message (RFC 5321, 4.2.1). */
const BAD_SEQUENCE = 503;

const SERVER = 'smtp://user:password@host:587 or smtps://… is expected; in name and password write @ as %40, : as %3A, / as %2F, # as %23';
const Server = z.string().transform((text, context) => {
  try {
    const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text);
    const secure = protocol === 'smtps:';
    if (hostname !== '' && (secure || protocol === 'smtp:') && /^\/?$/.test(pathname + search + hash))
      return {
        host: hostname.replaceAll(/[[\]]/g, ''),
        port: port === '' ? (secure ? 465 : 587) : Number(port),
        secure,
        auth: username === '' ? undefined : { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
      };
  } catch {
    // No address, or a "%" that stands for nothing.
  }
  context.addIssue(SERVER);
  return z.NEVER;
});

const ADDRESS = /^(?:"?(?<name>[^"<>\p{Cc}]*?)"?\s*<)?(?<address>[^\s"(),:;<>@[\\\]]+@[^\s"(),:;<>@[\\\]]+)(?<end>>?)$/u;
const Address = z.string().transform((text, context) => {
  const { name, address, end } = ADDRESS.exec(text.trim())?.groups ?? {};
  if (address !== undefined && (name === undefined) === (end === '')) return { name: name ?? '', address };
  context.addIssue('one address is expected: ada@lab.example, or Ada <ada@lab.example>');
  return z.NEVER;
});

const schema = z.strictObject({ email: z.strictObject({ smtp: Server, from: Address, to: z.array(Address).min(1) }), ...common });

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const html = (text: string): string => text.replaceAll(/[&<>"]/g, (c) => ENTITIES[c]);

/** A message by SMTP. Its Message-ID comes from the notice, so that mail programs know a double. */
export const email: Kind = {
  schema,
  async send({ id, title, text, at }, { email: { smtp, from, to } }: z.infer<typeof schema>, channel) {
    checkHost(smtp.host, allowedHosts());
    const { createTransport } = await import('nodemailer');
    const timeouts = { connectionTimeout: WORD_MS, greetingTimeout: WORD_MS, socketTimeout: WORD_MS };
    // A password goes to no other machine in the clear.
    const requireTLS = smtp.auth !== undefined && !LOCAL.test(smtp.host);
    const transport = createTransport({ ...smtp, ...timeouts, requireTLS, disableFileAccess: true, disableUrlAccess: true });
    const digest = createHash('sha256').update(id).digest('hex').slice(0, 32);
    const sent = await transport
      .sendMail({
        from,
        to,
        subject: title.replaceAll(/\p{Cc}+/gu, ' '),
        text,
        html: `<h3>${html(title)}</h3>\n<p style="white-space: pre-wrap">${html(text)}</p>\n`,
        messageId: `<${digest}@${from.address.split('@')[1]}>`,
        date: new Date(at),
        headers: { 'Auto-Submitted': 'auto-generated' },
        signal: AbortSignal.timeout(ALL_MS),
      })
      .catch((error: unknown) => {
        throw refusal(error as SmtpError, smtp.host, channel);
      });
    if (sent.rejected.length > 0)
      throw undelivered({
        channel,
        host: smtp.host,
        reason: `refused for ${sent.rejected.length} of ${to.length} recipients`,
        retryable: false,
        mend: 'The others have it. Check the addresses under `to`.',
      });
  },
};

/** As nodemailer throws it: its own word, the system's, and what the server answered. */
interface SmtpError {
  readonly code?: string;
  readonly originalCode?: string;
  readonly responseCode?: number;
}

function refusal({ code = 'unknown', originalCode: reason = code, responseCode: status }: SmtpError, host: string, channel: string): Error {
  const lasts = status === undefined ? LASTING.has(code) || isDistrust(reason) : status >= 500 && status !== BAD_SEQUENCE;
  const mend = isDistrust(reason)
    ? TRUST
    : code === 'ETLS'
      ? 'The server does not encrypt, and a password wants it: try smtps://, or leave name and password out.'
      : lasts
        ? 'Check name, password and addresses in the channels file.'
        : 'The server may take it later; where it never does, check host and port.';
  return undelivered({ channel, host, status, reason, retryable: !lasts, mend });
}
