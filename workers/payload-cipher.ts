import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { ConfigError, DataError } from '../core/errors.ts';

const { Payload: Message } = proto.temporal.api.common.v1;

/** As Temporal's own samples write it, so that their codec servers can read it. */
const ENCODING = Buffer.from('binary/encrypted');
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** The length of the nonce and of the tag that stand before and behind the encrypted bytes. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The part of Temporal's failures that tells what happened. */
interface Failure {
  readonly message?: string | null;
  readonly encodedAttributes?: Payload | null;
}

/** A new key: base64 of 32 random bytes. */
export const newPayloadKey = (): string => randomBytes(KEY_BYTES).toString('base64');

/** The key in a text that `newPayloadKey` could have made; undefined in any other. */
export const payloadKeyIn = (text: string): Buffer | undefined =>
  /^[A-Za-z0-9+/]{43}=$/.test(text) ? Buffer.from(text, 'base64') : undefined;

/** What a key is called in public: 12 hexadecimal digits that tell nothing of it. */
export const payloadKeyId = (key: Buffer): string =>
  createHash('sha256').update('panelflow payload key').update(key).digest('hex').slice(0, 12);

/**
 * What Temporal is given to keep, encrypted with AES-256-GCM: a nonce, the payload in protobuf, a tag. The first key encrypts, each decrypts
 * what it has encrypted. Without a key payloads stay as they are; what was never encrypted is always read.
 */
export class PayloadCipher implements PayloadCodec {
  readonly #keys: ReadonlyMap<string, Buffer>;

  constructor(keys: readonly Buffer[]) {
    this.#keys = new Map(keys.map((key) => [payloadKeyId(key), key]));
  }

  /** Ids of the keys, that which encrypts first; none when nothing is encrypted. */
  get keyIds(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** Whether anything is encrypted. */
  get isOn(): boolean {
    return this.#keys.size > 0;
  }

  /** What every client and worker converts its data with. */
  get converter(): DataConverter {
    return { payloadCodecs: [this] };
  }

  async encode(payloads: Payload[]): Promise<Payload[]> {
    const [current] = this.#keys;
    return current === undefined ? payloads : payloads.map((payload) => seal(payload, current));
  }

  /** UnknownPayloadKeyError when the key of a payload is not known here; DataError when its bytes were changed. */
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => (ENCODING.equals(payload.metadata?.encoding ?? new Uint8Array()) ? this.#open(payload) : payload));
  }

  /** The first of some payloads as JSON; undefined where there is none. */
  async value(payloads: Payload[] | null | undefined): Promise<unknown> {
    const [payload] = await this.decode(payloads?.slice(0, 1) ?? []);
    return payload?.data ? (JSON.parse(Buffer.from(payload.data).toString()) as unknown) : undefined;
  }

  /** What a failure says, also where that is in a payload. */
  async message({ message, encodedAttributes }: Failure): Promise<string> {
    const inside = (await this.value(encodedAttributes ? [encodedAttributes] : [])) as { readonly message?: string } | undefined;
    return inside?.message ?? message ?? '';
  }

  #open({ metadata, data }: Payload): Payload {
    const id = Buffer.from(metadata?.['encryption-key-id'] ?? []).toString();
    const key = this.#keys.get(id);
    if (key === undefined) throw new UnknownPayloadKeyError(id, this.keyIds);
    const bytes = Buffer.from(data ?? []);
    try {
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return Message.decode(Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]));
    } catch (error) {
      throw new DataError('What the Temporal server gave back is not what was encrypted', {
        cause: error,
        context: { key: id },
        mend: 'It was damaged or changed at the server: cancel what it belongs to, and begin it anew.',
      });
    }
  }
}

function seal(payload: Payload, [id, key]: readonly [string, Buffer]): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  return {
    metadata: { encoding: ENCODING, 'encryption-cipher': Buffer.from('AES-256-GCM'), 'encryption-key-id': Buffer.from(id) },
    data: Buffer.concat([nonce, cipher.update(Message.encode(payload).finish()), cipher.final(), cipher.getAuthTag()]),
  };
}

/** What Temporal keeps was encrypted with a key that is not known here. */
export class UnknownPayloadKeyError extends ConfigError {
  constructor(id: string, known: readonly string[]) {
    const here = known.length === 0 ? 'no key is set here' : `here ${known.length === 1 ? 'is' : 'are'} only ${known.join(', ')}`;
    super(`What the Temporal server keeps is encrypted with key ${id}, and ${here}`, {
      context: { key: id },
      mend: 'Set PANELFLOW_PAYLOAD_KEY or PANELFLOW_PAYLOAD_KEY_FILE as it is where the runs were begun; `panelflow doctor` shows the ids of keys (docs/encryption.md).',
    });
  }
}
