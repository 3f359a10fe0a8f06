import * as z from 'zod';
import { ResourceError } from '../core/errors.ts';
import type { Notice } from '../schemas/notice.ts';
import { TemplateText } from './template.ts';

/** What every channel may have beside its address: words of its own. */
export const common = { template: z.strictObject({ title: TemplateText.optional(), text: TemplateText.optional() }).default({}) };

/** A kind of channel: what the channels file says of one, and how a notice goes there. */
export interface Kind {
  readonly schema: z.ZodType<z.infer<z.ZodObject<typeof common>>>;
  /** Tries once, and throws `undelivered`. The settings are what the schema gives. */
  send(notice: Notice, settings: unknown, channel: string): Promise<void>;
}

/** Where a channel leads to, and what kept a notice from it. */
interface Trouble {
  readonly channel: string;
  /** Nothing more of the address: a path may be a secret, and a password is one. */
  readonly host: string;
  /** What the server answered. */
  readonly status?: number | undefined;
  /** What the system says where there was no answer. */
  readonly reason?: string | undefined;
  readonly retryable: boolean;
  /** How long the server asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  readonly mend: string;
}

/** What Node and OpenSSL say of a certificate that they do not trust: no other try changes it. */
export const isDistrust = (reason: string): boolean => /CERT|LEAF_SIGNATURE/.test(reason);
export const TRUST = 'The certificate of the server is not trusted here: NODE_EXTRA_CA_CERTS may name a file with its authority.';

/** The error of a notice that did not arrive. It carries no cause: other people's messages may quote addresses, headers and passwords. */
export function undelivered({ channel, host, status, reason, retryable, retryAfterMs, mend }: Trouble): ResourceError {
  return new ResourceError(`A notice to the channel "${channel}" was not delivered`, {
    context: {
      channel,
      host,
      ...(status === undefined ? {} : { status }),
      ...(reason === undefined ? {} : { reason }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
    retryable,
    mend,
  });
}
