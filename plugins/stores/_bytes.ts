import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { ArtifactRef } from '../../schemas/artifact.ts';

/** What bytes, given in parts, are called in a store. */
export function refOf(parts: readonly Uint8Array[], type: string): ArtifactRef {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const part of parts) {
    hash.update(part);
    bytes += part.byteLength;
  }
  return { sha256: hash.digest('hex'), bytes, type };
}

/** Parts as one. */
export const joined = (parts: readonly Uint8Array[]): Uint8Array => (parts.length === 1 ? parts[0] : Buffer.concat(parts));

/** A body in memory of its own; an error when it is shorter or longer than announced. */
export async function drain(body: Readable, length: number | undefined): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const whole = length === undefined ? undefined : new Uint8Array(length);
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (!whole) chunks.push(chunk);
    else if (bytes + chunk.byteLength <= whole.byteLength) whole.set(chunk, bytes);
    bytes += chunk.byteLength;
  }
  if (!whole) return new Uint8Array(Buffer.concat(chunks));
  if (bytes !== whole.byteLength) throw new Error(`${bytes} of ${whole.byteLength} bytes came`);
  return whole;
}

/** The same bytes in pieces of one size, the last one shorter, numbered from 1. */
export function* pieces(parts: readonly Uint8Array[], size: number): Generator<[number, Uint8Array]> {
  let number = 0;
  let pending: Uint8Array[] = [];
  let room = size;
  for (const part of parts) {
    for (let at = 0; at < part.byteLength;) {
      const view = part.subarray(at, at + room);
      pending.push(view);
      at += view.byteLength;
      room -= view.byteLength;
      if (room > 0) continue;
      yield [++number, joined(pending)];
      pending = [];
      room = size;
    }
  }
  if (pending.length > 0) yield [++number, joined(pending)];
}

/** SHA-256 in base64, as S3 wants it. */
export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');

/** Hex of a checksum of the whole; a checksum of parts ends in their number and says nothing of the bytes. */
export const wholeSha256 = (base64: string | undefined): string | undefined =>
  base64 === undefined || base64.includes('-') ? undefined : Buffer.from(base64, 'base64').toString('hex');
