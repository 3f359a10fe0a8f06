import type { Backend } from '../tensor/backend.ts';
import { Batches, type Form, geneScale } from '../tensor/batches.ts';
import { concreteFront } from '../tensor/concrete-vae.ts';
import { globalFront } from '../tensor/global-gumbel.ts';
import { LassoNet } from '../tensor/lassonet.ts';
import { instanceFront } from '../tensor/markermap.ts';
import { PersistNetwork } from '../tensor/persist.ts';
import { SoftTopK } from '../tensor/soft-top-k.ts';
import { type MakeFront, SelectiveVae } from '../tensor/vae.ts';
import { Yoto } from '../tensor/yoto.ts';
import type { Matrix } from '../data/matrix.ts';
import type { Spec } from './_training-cases.ts';

/** The cells of a case. */
export interface Cells {
  readonly matrix: Matrix;
  readonly rows: Uint32Array;
  readonly codes: Int32Array;
  readonly classes: number;
}

/** What is timed. */
export interface Timed {
  step(rows: Uint32Array): number;
  dispose(): void;
}

const FRONTS: Readonly<Record<'markermap' | 'global-gumbel' | 'concrete-vae', (hidden: number) => MakeFront>> = {
  markermap: (hidden) => instanceFront({ hidden, dropout: 0.5 }),
  'global-gumbel': () => globalFront({ spread: 1 }),
  'concrete-vae': () => concreteFront({ spread: 1 }),
};

const formOf = ({ form }: Spec, { matrix, rows }: Cells): Form =>
  form === 'binary' ? { kind: 'binary' } : { kind: 'scaled', scale: geneScale(matrix, rows) };

function makeYoto(backend: Backend, spec: Spec, cells: Cells): Timed {
  const { matrix, codes, classes } = cells;
  const names = Array.from({ length: classes }, (_, c) => `class${c}`);
  const task = { name: 'class', kind: 'classification' as const, codes, classes: names };
  return new Yoto(backend, { matrix, form: formOf(spec, cells) }, [task], {
    k: spec.k,
    learningRate: 1e-3,
    scoreLearningRate: 3e-3,
    hidden: [128, 128],
    batchNorm: true,
    forward: 'hard',
    temperature: { start: 1, end: 0.01 },
    noise: 0.1,
    noiseFalls: true,
    startGenes: Math.min(matrix.cols, 4 * spec.k),
    scoreSpread: 0.01,
    steps: spec.steps,
    seed: 0,
  });
}

function makeVae(backend: Backend, spec: Spec, cells: Cells): Timed {
  const { matrix, rows, codes, classes } = cells;
  const { hidden = 256, alpha = 1, rate = 1e-4, t = 1, k } = spec;
  const method = spec.method as keyof typeof FRONTS;
  return new SelectiveVae(backend, { matrix, rows, codes, classCount: classes, form: formOf(spec, cells) }, FRONTS[method](hidden), {
    k,
    seed: 0,
    hidden,
    latent: 16,
    inputs: method === 'concrete-vae' ? 'selectors' : 'genes',
    alpha,
    isMean: false,
    likelihood: 'gaussian',
    beta: 0.1,
    rate,
    temperature: () => t,
  });
}

function makePersist(backend: Backend, spec: Spec, cells: Cells): Timed {
  const { matrix, rows, codes, classes } = cells;
  const batches = new Batches(backend.tf, matrix, { rows, form: formOf(spec, cells) });
  const model = new PersistNetwork(
    backend,
    batches,
    { kind: 'classes', codes, classCount: classes },
    {
      mask: spec.stage === 'select' ? { kind: 'rows', k: spec.k } : { kind: 'gates', penalty: 1e-4 },
      hidden: 128,
      rate: 1e-3,
      maskRate: 1,
      draws: spec.draws ?? spec.batch,
      seed: 0,
      stream: 'bench',
      temperature: (steps) => 10 * (0.01 / 10) ** (steps / spec.steps),
    },
  );
  const dispose = (): void => {
    model.dispose();
    batches.dispose();
  };
  return { step: (batch) => model.step(batch), dispose };
}

/** All epochs of the dense start, or all of one point of the path, without early stops; the loss is not told. */
function makeLassoNet(backend: Backend, spec: Spec, cells: Cells): Timed {
  const { matrix, rows, codes, classes } = cells;
  const endless = { epochs: Infinity, patience: Infinity };
  const model = new LassoNet(
    backend,
    { matrix, codes, form: formOf(spec, cells), train: rows, validation: new Uint32Array(0), classCount: classes },
    {
      hidden: 100,
      M: 10,
      rate: 1e-3,
      step: 1.02,
      dense: spec.stage === 'path' ? { epochs: 1, patience: 1 } : endless,
      point: endless,
      until: 0,
      keepAt: 0,
      isFinal: false,
      seed: 0,
    },
  );
  if (spec.stage === 'path') model.advance();
  const step = (): number => {
    model.advance();
    return Number.NaN;
  };
  return { step, dispose: () => model.dispose() };
}

/** The relaxed top-k alone, value and gradient; the scores and what comes from above are the same on both sides. */
function makeMask(_: Backend, { k, t = 1 }: Spec, { matrix }: Cells): Timed {
  const scores = Float32Array.from({ length: matrix.cols }, (__, j) => 0.02 * Math.sin(12.9898 * j));
  const above = Float64Array.from({ length: matrix.cols }, (__, j) => Math.cos(78.233 * j));
  const mask = new SoftTopK();
  const step = (): number => {
    mask.forward(scores, k, t);
    const { order, weight } = mask;
    const upstream = Float64Array.from(order, (j) => above[j]);
    mask.backward(upstream);
    return weight.reduce((sum, w, at) => sum + w * upstream[at], 0);
  };
  return { step, dispose: () => {} };
}

const MAKERS: Readonly<Record<Spec['method'], (backend: Backend, spec: Spec, cells: Cells) => Timed>> = {
  yoto: makeYoto,
  markermap: makeVae,
  'global-gumbel': makeVae,
  'concrete-vae': makeVae,
  persist: makePersist,
  lassonet: makeLassoNet,
  'soft-top-k': makeMask,
};

/** Our network of a spec, fresh. */
export function makeModel(backend: Backend, spec: Spec, cells: Cells): Timed {
  return MAKERS[spec.method](backend, spec, cells);
}
