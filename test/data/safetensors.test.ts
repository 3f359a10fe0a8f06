import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openSafetensors } from '../../data/safetensors.ts';

const folder = mkdtempSync(join(tmpdir(), 'panelflow-weights-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, header: object, bytes: Uint8Array): string {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(join(folder, name), Buffer.concat([length, text, bytes]));
  return join(folder, name);
}

const floats = new Uint8Array(Float32Array.of(1.5, -2, 3, 4).buffer);
const halves = new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x8000).buffer);

describe('safetensors', () => {
  test('reads single and half precision, by name', async () => {
    const header = {
      __metadata__: { format: 'pt' },
      a: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
      b: { dtype: 'F16', shape: [6], data_offsets: [16, 28] },
      n: { dtype: 'I64', shape: [], data_offsets: [28, 36] },
    };
    const file = await openSafetensors(write('fine.safetensors', header, Buffer.concat([floats, halves, Buffer.alloc(8)])));
    expect(file.names).toEqual(['a', 'b', 'n']);
    const found = await file.read(['b', 'a']);
    expect(found.get('a')).toEqual({ shape: [2, 2], data: Float32Array.of(1.5, -2, 3, 4) });
    expect([...found.get('b')!.data]).toEqual([1, -2, 0.333251953125, 2 ** -24, 65_504, -0]);
    await expect(file.read(['n'])).rejects.toMatchObject({
      code: 'DATA',
      context: { tensor: 'n', dtype: 'I64' },
      mend: expect.any(String),
    });
  });

  test('refuses a pickle, and says how to convert it', async () => {
    for (const [name, start] of [
      ['zip.pth', 'PK\u0003\u0004........'],
      ['old.pth', '\u0080\u0002........'],
    ]) {
      writeFileSync(join(folder, name), Buffer.from(start, 'latin1'));
      await expect(openSafetensors(join(folder, name))).rejects.toMatchObject({
        code: 'DATA',
        message: expect.stringContaining('pickle'),
        context: { file: join(folder, name) },
        mend: expect.stringContaining('save_file'),
      });
    }
  });

  test('refuses what is missing, cut off, or of another format', async () => {
    const a = { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] };
    writeFileSync(join(folder, 'short'), 'x');
    writeFileSync(join(folder, 'text'), 'This is a text, and a rather long one.');
    for (const path of [
      join(folder, 'short'),
      join(folder, 'text'),
      write('cut', { a }, floats.subarray(0, 12)),
      write('wrong', { a: { ...a, shape: [3] } }, floats),
      write('odd', { a: { dtype: 'F32' } }, floats),
    ])
      await expect(openSafetensors(path), path).rejects.toMatchObject({ code: 'DATA', context: { file: path } });
    await expect(openSafetensors(join(folder, 'gone'))).rejects.toMatchObject({ code: 'DATA', message: expect.stringContaining('exist') });
  });
});
