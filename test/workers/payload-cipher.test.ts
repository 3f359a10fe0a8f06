import { describe, expect, it } from 'vitest';
import { payloadCipher } from '../../cli/payload-keys.ts';
import type { PanelflowError } from '../../core/errors.ts';
import { newPayloadKey, PayloadCipher, payloadKeyId, payloadKeyIn, UnknownPayloadKeyError } from '../../workers/payload-cipher.ts';

const key = (): Buffer => payloadKeyIn(newPayloadKey())!;
const payload = (value: unknown): { metadata: Record<string, Uint8Array>; data: Uint8Array } => ({
  metadata: { encoding: Buffer.from('json/plain') },
  data: Buffer.from(JSON.stringify(value)),
});
const old = key();
const cipher = new PayloadCipher([key(), old]);

describe('the cipher of payloads', () => {
  it('gives back what it was given, and hides it meanwhile', async () => {
    const given = [payload({ gene: 'Gad1' }), payload(null), { metadata: { encoding: Buffer.from('binary/null') } }, {}];
    const sealed = await cipher.encode(given);
    for (const { data } of sealed) expect(Buffer.from(data ?? []).includes('Gad1')).toBe(false);
    const opened = await cipher.decode(sealed);
    const plain = (all: typeof opened): unknown =>
      all.map(({ metadata, data }) => [{ ...metadata }.encoding?.toString(), data?.toString()]);
    expect(plain(opened.slice(0, 2))).toEqual(plain(given.slice(0, 2)));
    expect(Buffer.from(opened[2].metadata!.encoding).toString()).toBe('binary/null');
    expect(await cipher.value(sealed)).toEqual({ gene: 'Gad1' });
    expect(await cipher.value([])).toBeUndefined();
  });

  it('never encrypts the same in the same way', async () => {
    const [[a], [b]] = [await cipher.encode([payload(1)]), await cipher.encode([payload(1)])];
    expect(a.data).not.toEqual(b.data);
  });

  it('encrypts with the first key, reads with each, and reads what was never encrypted', async () => {
    const before = await new PayloadCipher([old]).encode([payload('before')]);
    expect(await cipher.value(before)).toBe('before');
    expect(await cipher.value([payload('plain')])).toBe('plain');
    const [now] = await cipher.encode([payload('now')]);
    expect(Buffer.from(now.metadata!['encryption-key-id']).toString()).toBe(cipher.keyIds[0]);
    await expect(new PayloadCipher([old]).decode([now])).rejects.toThrow(UnknownPayloadKeyError);
  });

  it('says which key is missing', async () => {
    const sealed = await new PayloadCipher([old]).encode([payload(1)]);
    for (const other of [new PayloadCipher([]), new PayloadCipher([key()])])
      await expect(other.decode(sealed)).rejects.toMatchObject({ code: 'CONFIG', context: { key: payloadKeyId(old) } });
  });

  it('leaves everything as it is without a key', async () => {
    const none = new PayloadCipher([]);
    expect(none.isOn).toBe(false);
    expect(await none.encode([payload(1)])).toEqual([payload(1)]);
  });

  it('reads nothing that was changed, were it one bit', async () => {
    const [sealed] = await cipher.encode([payload('whole')]);
    for (const at of [0, 12, sealed.data!.length - 1]) {
      const data = Uint8Array.from(sealed.data!);
      data[at] ^= 1;
      await expect(cipher.decode([{ ...sealed, data }])).rejects.toMatchObject({ code: 'DATA' });
    }
    await expect(cipher.decode([{ ...sealed, data: new Uint8Array(5) }])).rejects.toMatchObject({ code: 'DATA' });
    await expect(cipher.decode([{ ...sealed, data: undefined }])).rejects.toMatchObject({ code: 'DATA' });
  });
});

describe('the keys out of the environment', () => {
  const [first, second] = [newPayloadKey(), newPayloadKey()];
  const ids = [first, second].map((text) => payloadKeyId(payloadKeyIn(text)!));

  it('are one or more, with commas between them', async () => {
    expect((await payloadCipher({ keys: undefined, file: undefined })).keyIds).toEqual([]);
    expect((await payloadCipher({ keys: first, file: undefined })).keyIds).toEqual([ids[0]]);
    expect((await payloadCipher({ keys: `${first}, ${second}\n`, file: undefined })).keyIds).toEqual(ids);
  });

  it.each([
    ['too short', 'aGVsbG8='],
    ['not base64', '?'.repeat(44)],
    ['one good and one bad', `${first},${second.slice(1)}`],
  ])('are refused and not shown: %s', async (_, keys) => {
    const error = await payloadCipher({ keys, file: undefined }).then(
      () => expect.fail('it was taken'),
      (e: PanelflowError) => e,
    );
    expect(error).toMatchObject({ code: 'CONFIG', message: expect.stringContaining('PANELFLOW_PAYLOAD_KEY') });
    for (const part of keys.split(',')) expect(JSON.stringify([error.message, error.context, error.mend, error.stack])).not.toContain(part);
  });

  it('come from one place', async () => {
    await expect(payloadCipher({ keys: first, file: 'x' })).rejects.toMatchObject({ code: 'CONFIG' });
    await expect(payloadCipher({ keys: undefined, file: '/nowhere/key' })).rejects.toMatchObject({ code: 'CONFIG' });
    await expect(payloadCipher({ keys: undefined, file: '/dev/null' })).rejects.toMatchObject({ code: 'CONFIG' });
  });
});
