import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from './_compare.ts';

/** A case as it lies in its folder. */
export interface LoadedCase extends Case {
  readonly learn: Float32Array;
  readonly learnCodes: Int32Array;
  readonly test: Float32Array;
  readonly testCodes: Int32Array;
}

/** Reads a case that `writeCase` wrote. */
export function readCase(folder: string): LoadedCase {
  const given = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as Case;
  const bytes = (name: string): ArrayBuffer => new Uint8Array(readFileSync(join(folder, name))).buffer;
  const x = new Float32Array(bytes('x.f32'));
  const y = new Int32Array(bytes('y.i32'));
  const cut = given.rows * given.genes;
  return { ...given, learn: x.slice(0, cut), learnCodes: y.slice(0, given.rows), test: x.slice(cut), testCodes: y.slice(given.rows) };
}
