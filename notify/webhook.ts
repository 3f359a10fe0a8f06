import { createHmac } from 'node:crypto';
import * as z from 'zod';
import { common, type Kind } from './kind.ts';
import { HookUrl, post } from './post.ts';

/** What the signature and the connection need themselves. */
const TAKEN = /^(webhook-.*|content-(type|length)|host|connection|keep-alive|transfer-encoding|upgrade|expect|te|trailer)$/i;
/** RFC 9110, 5.6.2 and 5.5. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
const FIELD = /^[\t\x20-\x7e\x80-\xff]*$/;
const BASE64 = 'whsec_';

const Headers = z.record(z.string(), z.string()).superRefine((headers, context) => {
  for (const [name, value] of Object.entries(headers)) {
    const message = !TOKEN.test(name)
      ? 'no name of a header'
      : TAKEN.test(name)
        ? 'a header that is set already'
        : FIELD.test(value)
          ? undefined
          : 'a header holds one line of Latin letters';
    if (message !== undefined) context.addIssue({ code: 'custom', message, path: [name] });
  }
});

/** The key of a secret: bytes in base64 after "whsec_", or any other text as it is. */
const keyOf = (secret: string): Buffer =>
  secret.startsWith(BASE64) ? Buffer.from(secret.slice(BASE64.length), 'base64') : Buffer.from(secret);

const schema = z.strictObject({
  webhook: HookUrl,
  secret: z
    .string()
    .min(1)
    .refine((text) => !text.startsWith(BASE64) || /^[A-Za-z0-9+/]+={0,2}$/.test(text.slice(BASE64.length)), 'whsec_ is followed by base64'),
  headers: Headers.default({}),
  ...common,
});

/** The notice as JSON, signed as Standard Webhooks asks (https://www.standardwebhooks.com, specification 1.0.0). */
export const webhook: Kind = {
  schema,
  async send(notice, { webhook: url, secret, headers }: z.infer<typeof schema>, channel) {
    // An identifier is a header: visible ASCII.
    const id = encodeURI(notice.id);
    const timestamp = String(Math.floor(Date.now() / 1000));
    const body = JSON.stringify(notice);
    const signature = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64');
    await post({
      channel,
      url,
      body,
      headers: { ...headers, 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` },
    });
  },
};
