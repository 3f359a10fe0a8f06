import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../data/portable.ts';

const bytesOf = (value: unknown): Uint8Array => new Uint8Array(Buffer.concat(encode(value)));

describe('the artifact format', () => {
  it('gives every value back', () => {
    const value = {
      a: [1, 'x', null, true],
      f: Float32Array.from([1, Number.NaN]),
      d: Float64Array.from([0.1]),
      i: Int32Array.from([-1]),
      u: Uint32Array.from([2 ** 32 - 1]),
      h: Uint16Array.from([1, 2, 3]),
      b: Uint8Array.from([9]),
      n: Number.NaN,
      inf: -Infinity,
      empty: [],
      words: ['a', 'b'],
      deep: { x: [{ y: new Float32Array(0) }] },
    };
    expect(decode(bytesOf(value))).toEqual(value);
  });

  it('gives the same bytes for the same value', () => {
    expect(bytesOf({ a: Float32Array.from([1, 2]) })).toEqual(bytesOf({ a: Float32Array.from([1, 2]) }));
  });

  it('stores an array that stands in two places once', () => {
    const indices = new Uint32Array(10_000);
    expect(bytesOf({ x: indices, y: indices }).length).toBeLessThan(41_000);
    const { x, y } = decode(bytesOf({ x: indices, y: indices })) as { x: Uint32Array; y: Uint32Array };
    expect(x.buffer).toBe(y.buffer);
  });

  it('reads bytes that are not aligned', () => {
    const bytes = bytesOf({ d: Float64Array.from([1, 2, 3]) });
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(decode(shifted.subarray(3))).toEqual({ d: Float64Array.from([1, 2, 3]) });
  });

  it('takes a view of a larger buffer for what it shows', () => {
    expect(decode(bytesOf(new Float32Array([1, 2, 3, 4]).subarray(1, 3)))).toEqual(Float32Array.from([2, 3]));
  });

  it('refuses other bytes', () => {
    expect(() => decode(new Uint8Array(100))).toThrow(/no panelflow artifact/);
  });
});
