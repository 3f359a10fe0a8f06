import type { Dataset } from '../../data/dataset.ts';
import type { CsrMatrix } from '../../data/matrix.ts';
import { NO_CHECKPOINTS, type StepContext } from '../../core/plugin.ts';
import type { Split } from '../../plugins/contract.ts';
import { Random } from '../../stats/random.ts';

const CELLS = 180;
const GENES = 40;
const CLASSES = ['alpha', 'beta', 'gamma'];

/** Numbers of the genes that tell the classes of the tiny atlas apart: four a class. */
export const MARKERS = Uint32Array.from({ length: 12 }, (_, j) => j);

/** A small sparse log-scale dataset: obs.type (3 classes, 6 cells unlabelled), obs.state (2 classes), obs.age (a number); raw counts in layers.counts. */
export function tinyAtlas(): Dataset {
  const random = Random.of(7, 'tiny-atlas');
  const type = Int32Array.from({ length: CELLS }, (_, i) => (i % 30 === 7 ? -1 : i % 3));
  const state = Int32Array.from({ length: CELLS }, (_, i) => Number(i % 4 === 0));
  const indptr = new Uint32Array(CELLS + 1);
  const indices: number[] = [];
  const counts: number[] = [];
  for (let i = 0; i < CELLS; i++) {
    for (let j = 0; j < GENES; j++) {
      const isMarker = j < 12 ? j % 3 === i % 3 : j < 16 && state[i] === 1;
      const count = Math.floor(-Math.log(random.uniform()) * (isMarker ? 8 : 1 + (j % 5) / 4));
      if (count === 0) continue;
      indices.push(j);
      counts.push(count);
    }
    indptr[i + 1] = indices.length;
  }
  const raw: CsrMatrix = {
    kind: 'csr',
    rows: CELLS,
    cols: GENES,
    indptr,
    indices: Uint32Array.from(indices),
    data: Float32Array.from(counts),
  };
  const ages = Float64Array.from({ length: CELLS }, (_, i) => 10 * (i % 3) + 5 * state[i] + random.normal());
  return {
    X: { ...raw, data: raw.data.map(Math.log1p) },
    scale: 'log',
    layers: { counts: raw },
    obs: {
      index: Array.from({ length: CELLS }, (_, i) => `cell${i}`),
      columns: {
        type: { kind: 'category', codes: type, categories: CLASSES },
        state: { kind: 'category', codes: state, categories: ['rest', 'active'] },
        age: { kind: 'number', values: ages },
      },
    },
    var: { index: Array.from({ length: GENES }, (_, j) => `gene${j}`), columns: {} },
    obsm: {},
    uns: { truth: { type: { markers: Array.from(MARKERS, (j) => `gene${j}`) } } },
  };
}

/** Three fifths of the cells to train on, a fifth to validate, a fifth to test. */
export function tinySplit(data: Dataset): Split {
  const pick = (parts: readonly number[]): Uint32Array =>
    Uint32Array.from({ length: data.X.rows }, (_, i) => i).filter((i) => parts.includes(Math.floor(i / 3) % 5));
  return { train: pick([0, 1, 2]), validation: pick([3]), test: pick([4]) };
}

/** A step context outside any engine; `signal` cancels it. */
export function testContext(
  options: Partial<Pick<StepContext, 'seed' | 'signal' | 'log' | 'missing' | 'memoryBytes' | 'checkpoints' | 'until'>> = {},
): StepContext {
  const signal = options.signal ?? new AbortController().signal;
  return {
    seed: options.seed ?? 0,
    signal,
    threads: 1,
    memoryBytes: options.memoryBytes ?? Number.POSITIVE_INFINITY,
    missing: options.missing ?? {},
    checkpoints: options.checkpoints ?? NO_CHECKPOINTS,
    until: options.until ?? 1,
    progress: () => {},
    log: options.log ?? (() => {}),
    breathe: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    },
  };
}
