import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CsrMatrix } from '../data/matrix.ts';
import { Random } from '../stats/random.ts';
import { loadBackend } from '../tensor/backend.ts';
import { cut } from '../tensor/batches.ts';
import { type Case, writeCase } from './_compare.ts';
import { watchMemory } from './_memory.ts';
import type { Spec } from './_training-cases.ts';
import { type Cells, makeModel } from './_training-models.ts';

/** What one side says of one training. */
export interface Trained {
  /** Seconds of one step, over the whole training. */
  readonly wall_s: number;
  readonly cpu_s: number;
  readonly steps: number;
  /** Most memory that the process held while it trained, the data included. */
  readonly peak_mb: number;
  /** Mean loss of each epoch; null where it is not told. */
  readonly losses: readonly (number | null)[];
  readonly version: string;
  /** Tensors and resident memory half-way and at the end, where the spec asks for it. */
  readonly tensors?: readonly number[];
  readonly resident_mb?: readonly number[];
}

const ORDERS = 10;

/** Writes a case with the order of its cells in ten epochs. */
export async function writeTraining(folder: string, given: Case): Promise<void> {
  await writeCase(folder, given);
  const random = Random.of(2, given.name);
  const orders = new Uint32Array(ORDERS * given.rows);
  for (let e = 0; e < ORDERS; e++) orders.set(random.permutation(given.rows), e * given.rows);
  await writeFile(join(folder, 'order.u32'), orders);
}

/** The cells of a case as a sparse matrix, read in parts so that the dense block is never held. */
function readCells(folder: string): Cells & { readonly orders: Uint32Array } {
  const { rows, genes, classes } = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as Case;
  const words = (name: string): ArrayBuffer => new Uint8Array(readFileSync(join(folder, name))).buffer;
  const part = new Float32Array(256 * genes);
  const indptr = new Uint32Array(rows + 1);
  let [indices, data] = [new Uint32Array(1 << 20), new Float32Array(1 << 20)];
  let stored = 0;
  const file = openSync(join(folder, 'x.f32'), 'r');
  for (let row = 0; row < rows;) {
    const read = readSync(file, part, 0, Math.min(256, rows - row) * genes * 4, row * genes * 4) / 4 / genes;
    if (stored + read * genes > indices.length) {
      const size = 2 * indices.length + read * genes;
      const [wider, longer] = [new Uint32Array(size), new Float32Array(size)];
      wider.set(indices.subarray(0, stored));
      longer.set(data.subarray(0, stored));
      [indices, data] = [wider, longer];
    }
    for (let i = 0; i < read; i++) {
      for (let j = 0; j < genes; j++) {
        const value = part[i * genes + j];
        if (value === 0) continue;
        indices[stored] = j;
        data[stored++] = value;
      }
      indptr[++row] = stored;
    }
  }
  closeSync(file);
  const matrix: CsrMatrix = { kind: 'csr', rows, cols: genes, indptr, indices: indices.slice(0, stored), data: data.slice(0, stored) };
  const all = Uint32Array.from({ length: rows }, (_, i) => i);
  return { matrix, rows: all, codes: new Int32Array(words('y.i32')), classes, orders: new Uint32Array(words('order.u32')) };
}

/** Trains our network of a spec on the case in a folder. */
export async function timeTraining(spec: Spec, folder: string): Promise<Trained> {
  const backend = await loadBackend((line) => console.error(line));
  const cells = readCells(folder);
  const { rows, orders } = cells;
  const epochOf = (e: number): Uint32Array[] => {
    const at = (e % ORDERS) * rows.length;
    return cut(orders.subarray(at, at + rows.length), spec.batch || rows.length, spec).slice(0, spec.limit);
  };
  globalThis.gc?.();
  const held = process.memoryUsage.rss() / 2 ** 20;
  const memory = watchMemory();
  const total = spec.epochs * epochOf(0).length;
  const warm = makeModel(backend, spec, cells);
  for (let i = 0; i < 30; i++) warm.step(epochOf(0)[0]);
  warm.dispose();
  const model = makeModel(backend, spec, cells);
  const seen: [tensors: number, mb: number][] = [];
  const look = (): void => {
    globalThis.gc?.();
    seen.push([backend.tf.memory().numTensors, Math.round(process.memoryUsage.rss() / 2 ** 20)]);
  };
  const losses: number[] = [];
  let steps = 0;
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  for (let e = 0; e < spec.epochs; e++) {
    let sum = 0;
    const batches = epochOf(e);
    for (const batch of batches) {
      sum += model.step(batch);
      if (++steps === Math.ceil(total / 2) && spec.watch) look();
    }
    losses.push(sum / batches.length);
  }
  const elapsed = (performance.now() - wall) / 1e3;
  const { user, system } = process.cpuUsage(cpu);
  if (spec.watch) look();
  return {
    wall_s: elapsed / steps,
    cpu_s: (user + system) / 1e6 / steps,
    steps,
    peak_mb: held + memory.added(),
    losses,
    version: `${backend.name} ${backend.version}`,
    ...(spec.watch ? { tensors: seen.map(([n]) => n), resident_mb: seen.map(([, mb]) => mb) } : {}),
  };
}
