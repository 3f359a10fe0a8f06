import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { loadBackend } from '../../tensor/backend.ts';
import { assign, concreteFront } from '../../tensor/concrete-vae.ts';
import { globalFront } from '../../tensor/global-gumbel.ts';
import { instanceFront } from '../../tensor/markermap.ts';
import { type MakeFront, SelectiveVae } from '../../tensor/vae.ts';
import { divergence, gaussianLoss, maskRows, sampleLatent, squaredLoss } from '../../tensor/vae-layers.ts';
import { runNetwork } from '../../tensor/network.ts';
import { VaeTraining } from '../../tensor/vae-training.ts';
import { Random } from '../../stats/random.ts';
import { golden, hasShared } from '../kit/shared-data.ts';

const backend = await loadBackend();
const { tf } = backend;
const random = Random.of(5, 'vae');
const normal = (...shape: [number, number]): Tensor2D =>
  tf.tensor2d(
    Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal()),
    shape,
  );

describe('losses', () => {
  it.skipIf(!hasShared)('give the value of the reference', () => {
    const { loss } = golden('unit/markermap_units.json');
    const at = (name: string): Tensor2D => tf.tensor2d(loss[name]);
    const x = at('x');
    const value = gaussianLoss(tf, x, [at('recon'), at('logvar_x')]).add(divergence(tf, [at('mu_z'), at('logvar_z')]).mul(0.1));
    expect(value.div(x.shape[0]).dataSync()[0]).toBeCloseTo(loss['value_kl_beta0.1'], 5);
  });

  const x = normal(4, 6);
  const noise = normal(4, 6);
  const [a, b] = [normal(4, 6), normal(4, 6)];
  const weights = normal(4, 6);
  const mask = tf.tensor1d([0.5, 1, 0, 2]);
  const sum = (t: Tensor): Tensor => t.mul(weights).sum();
  const plain: Record<string, [(...p: Tensor[]) => Tensor, (...p: Tensor[]) => Tensor, Tensor[]]> = {
    gaussianLoss: [
      (m, s) => gaussianLoss(tf, x, [m as Tensor2D, s as Tensor2D]),
      (m, s) =>
        m
          .sub(x)
          .square()
          .div(s.exp())
          .add(s)
          .add(Math.log(2 * Math.PI))
          .sum()
          .div(2),
      [a, b],
    ],
    squaredLoss: [(m) => squaredLoss(tf, x, m as Tensor2D), (m) => m.sub(x).square().sum().div(2), [a]],
    divergence: [
      (m, s) => divergence(tf, [m as Tensor2D, s as Tensor2D]),
      (m, s) => s.add(1).sub(m.square()).sub(s.exp()).sum().div(-2),
      [a, b],
    ],
    sampleLatent: [
      (m, s) => sum(sampleLatent(tf, [m as Tensor2D, s as Tensor2D], noise)),
      (m, s) => sum(m.add(s.div(2).exp().mul(noise))),
      [a, b],
    ],
    maskRows: [(w, m) => sum(maskRows(tf, w as Tensor2D, m as any)), (w, m) => sum(w.mul(m.reshape([4, 1]))), [a, mask]],
  };

  it.each(Object.keys(plain))('%s has the value and the gradient of its definition', (name) => {
    const [own, expected, inputs] = plain[name];
    const ours = tf.valueAndGrads(own)(inputs);
    const theirs = tf.valueAndGrads(expected)(inputs);
    const near = (got: Tensor, wanted: Tensor): void =>
      got.dataSync().forEach((v, i) => expect(Math.abs(v - wanted.dataSync()[i])).toBeLessThan(2e-5 * Math.max(1, Math.abs(v))));
    near(ours.value, theirs.value);
    ours.grads.forEach((g, i) => near(g, theirs.grads[i]));
  });
});

describe('assign', () => {
  it('gives each selector a gene of its own, the surest first', () => {
    const logits = Float32Array.of(3, 2, 0, 0, 9, 0, 1, 0, 4, 3.5, 0, 0);
    const { genes, inputs, scores } = assign(logits, 3, 4);
    expect([...genes]).toEqual([0, 1, 2]);
    expect([...inputs]).toEqual([1, 2, 0]);
    expect(scores[0]).toBeGreaterThan(scores[1]);
    expect(scores[1]).toBeGreaterThan(scores[2]);
  });

  it('takes all genes when there are as many selectors', () => {
    const { genes } = assign(new Float32Array(25), 5, 5);
    expect([...genes.sort()]).toEqual([0, 1, 2, 3, 4]);
  });
});

const cells = 70;
const genes = 30;
const matrix = {
  kind: 'dense',
  rows: cells,
  cols: genes,
  data: Float32Array.from({ length: cells * genes }, (_, i) => random.normal() + Number(Math.floor(i / genes) % 3 === (i % genes) % 5)),
} as const;
const names = Array.from({ length: genes }, (_, j) => `g${j}`);
const codes = Int32Array.from({ length: cells }, (_, i) => i % 3);
const rows = Uint32Array.from({ length: cells }, (_, i) => i);
const fronts: Record<string, [MakeFront, 'genes' | 'selectors', number]> = {
  supervised: [instanceFront({ hidden: 8, dropout: 0.5 }), 'genes', 0],
  joint: [instanceFront({ hidden: 8, dropout: 0.5 }), 'genes', 0.5],
  global: [globalFront({ spread: 1 }), 'genes', 1],
  concrete: [concreteFront({ spread: 1 }), 'selectors', 1],
};

describe.each(Object.keys(fronts))('the %s network', (name) => {
  const [front, inputs, alpha] = fronts[name];
  const make = (): SelectiveVae =>
    new SelectiveVae(backend, { matrix, rows, form: { kind: 'plain' }, codes, classCount: 3 }, front, {
      k: 6,
      seed: 4,
      hidden: 8,
      latent: 4,
      inputs,
      alpha,
      isMean: true,
      likelihood: alpha === 1 ? 'squared' : 'gaussian',
      beta: alpha === 1 ? 0 : 0.1,
      rate: 1e-2,
      temperature: (steps) => 3 * 0.99 ** steps,
    });
  const trainOf = (vae: SelectiveVae): VaeTraining =>
    new VaeTraining(vae, {
      train: rows.subarray(0, 60),
      validation: rows.subarray(60),
      seed: 1,
      epochs: 6,
      batch: 16,
      finder: { steps: 15, to: 1e-2 },
      patience: 5,
      atLeast: 3,
    });
  const finish = (training: VaeTraining): void => {
    while (training.advance());
  };

  it('goes on from any state to the same end, bit by bit', () => {
    const whole = make();
    const first = trainOf(whole);
    const states: unknown[] = [];
    do states.push(structuredClone(first.state()));
    while (first.advance());
    for (const at of [0, 7, 15, 16, 21, 30]) {
      const vae = make();
      const training = trainOf(vae);
      training.restore(states[at] as any);
      finish(training);
      expect(vae.state()).toEqual(whole.state());
      expect(training.curves).toEqual(first.curves);
      vae.dispose();
    }
    whole.dispose();
  });

  it('keeps no tensors from step to step', () => {
    const vae = make();
    const batch = rows.subarray(0, 32);
    for (let i = 0; i < 3; i++) vae.step(batch);
    vae.judge(batch);
    const before = tf.memory().numTensors;
    for (let i = 0; i < (name === 'joint' ? 1000 : 200); i++) vae.step(batch);
    vae.judge(batch);
    expect(tf.memory().numTensors).toBe(before);
    vae.dispose();
  });

  it('lowers its loss, and says the same as the network it gives', () => {
    const vae = make();
    const before = vae.judge(rows).loss;
    for (let i = 0; i < 150; i++) vae.step(rows);
    expect(vae.judge(rows).loss).toBeLessThan(before);
    const ranking = vae.rank();
    expect(new Set(ranking.genes).size).toBe(6);
    const { shared, genes: decoder, classes } = vae.network(ranking);
    const heads = [
      ...(classes ? [{ kind: 'classes', task: 't', classes: ['a', 'b', 'c'], layers: classes } as const] : []),
      ...(decoder
        ? [{ kind: 'genes', genes: names, mean: new Float32Array(genes), sd: new Float32Array(genes).fill(1), layers: decoder } as const]
        : []),
    ];
    const network = {
      method: name,
      genes: Array.from(ranking.genes, (j) => names[j]),
      input: { kind: 'plain' },
      layers: shared,
      heads,
    } as const;
    const seen = Float32Array.from({ length: cells * 6 }, (_, at) => matrix.data[Math.floor(at / 6) * genes + ranking.genes[at % 6]]);
    const said = runNetwork(backend, network, seen);
    const judged = vae.judge(rows);
    if (classes) {
      const right = codes.filter((c, i) => said[0].slice(i * 3, i * 3 + 3).every((p) => p <= said[0][i * 3 + c])).length;
      expect(judged.accuracy).toBeCloseTo(right / cells, 6);
    } else {
      const error = matrix.data.reduce((total, x, at) => total + (x - said[0][at]) ** 2, 0);
      expect(judged.loss).toBeCloseTo(error / 2 / cells / genes, 4);
    }
    vae.dispose();
  });
});
