import type { Tensor2D } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { Random } from '../../stats/random.ts';
import { lookAhead } from '../../tensor/agl-unroll.ts';
import { CutoffWeights, FreeWeights, softCut, UncertaintyWeights, WeightNet } from '../../tensor/agl-weights.ts';
import { loadBackend } from '../../tensor/backend.ts';
import { geneTargets, pearson } from '../../tensor/pearson.ts';
import { farthest } from '../kit/near.ts';
import { golden, hasShared } from '../kit/shared-data.ts';

const { tf } = await loadBackend();
const PRIMARY = 2;

describe.skipIf(!hasShared)('the golden units of auxiliary gene learning', () => {
  const units = hasShared ? golden('unit/agl_units.json') : {};
  const ranks: number[] = units['rank_index_of_aux_gene(0=best)'];
  /** Columns in the order of the ranks, as we keep them. */
  const ordered = (rows: number[][]): Tensor2D =>
    tf.tensor2d(rows.map((row) => [...row.slice(0, PRIMARY), ...ranks.map((_, r) => row[PRIMARY + ranks.indexOf(r)])]));

  it('gives the loss of each gene', () => {
    const { pred, loss } = units.pearson_loss_example;
    const p = tf.tensor2d(pred as number[][]);
    const { r } = pearson(tf, p.sub(p.mean(0)), geneTargets(tf, tf.tensor2d(units['y_train(pri first)'] as number[][])));
    expect(
      farthest(
        Array.from(r.dataSync(), (x) => 1 - x),
        loss,
      ),
    ).toBeLessThan(1e-5);
  });

  it.each([0, 1, 2])('gives mask, validation loss and its slope by theta, case %i', (which) => {
    const { thresh, mask, val_loss, dval_dthresh } = units.cases[which];
    const found = softCut(ranks.length, { theta: thresh, tau: units.tau, last: 1 });
    expect(
      farthest(
        ranks.map((r) => found[r]),
        mask,
      ),
    ).toBeLessThan(1e-5);
    const counts = { genes: PRIMARY + ranks.length, primary: PRIMARY };
    const weights = new CutoffWeights(counts, { start: thresh, tau: units.tau, rate: 1e-3, ranks: 'normalised' });
    const batch = (x: number[][], y: Tensor2D) => ({ x: tf.tensor2d(x), targets: geneTargets(tf, y) });
    const primary = tf.tensor2d((units.y_val as number[][]).map((row) => row.slice(0, PRIMARY)));
    const { loss, slopes } = lookAhead(
      tf,
      [ordered(units.W0)],
      {
        train: batch(units.x_train, ordered(units['y_train(pri first)'])),
        validation: batch(units.x_val, primary),
        weights: tf.tensor1d(weights.of()),
      },
      { steps: 2, rate: 0.05, rule: 'sgd' },
    );
    expect(Math.abs(loss - val_loss)).toBeLessThan(1e-5);
    expect(Math.abs(weights.slope(slopes) - dval_dthresh)).toBeLessThan(1e-5);
  });
});

describe('weights of genes', () => {
  const counts = { genes: 6, primary: 2 };
  const slopes = Float32Array.of(0.3, -0.2, 0.5, -0.4, 0.1, 0.7);

  it('counts the auxiliary genes above the cut', () => {
    const k = (start: number): number =>
      new CutoffWeights({ genes: 12, primary: 2 }, { start, tau: 0.01, rate: 1e-3, ranks: 'normalised' }).curves().k;
    expect([k(0), k(0.5), k(1)]).toEqual([1, 5, 10]);
    const raw = new CutoffWeights({ genes: 12, primary: 2 }, { start: 0.5, tau: 0.01, rate: 1e-3, ranks: 'raw' });
    expect(raw.curves()).toEqual({ theta: 4.5, k: 5 });
  });

  it('moves theta down the slope of the soft mask', () => {
    const options = { tau: 0.3, rate: 0.01, ranks: 'normalised' as const };
    const at = (theta: number): number => {
      const w = Array.from(softCut(4, { theta, tau: 0.3, last: 1 }));
      const sum = 2 + Array.from(softCut(4, { theta: 0.5, tau: 0.3, last: 1 })).reduce((a, b) => a + b, 0);
      return w.reduce((total, m, j) => total + (slopes[2 + j] * m) / sum, 0);
    };
    const weights = new CutoffWeights(counts, { ...options, start: 0.5 });
    const difference = (at(0.505) - at(0.495)) / 0.01;
    expect(weights.slope(slopes)).toBeCloseTo(difference, 4);
    weights.descend(slopes);
    expect(weights.curves().theta - 0.5).toBeCloseTo(-0.01 * Math.sign(difference), 5);
  });

  it('raises the free weights of genes whose slope is negative, and lowers the others', () => {
    const weights = new FreeWeights(counts, { tau: 1, rate: 0.1 });
    weights.descend(slopes);
    const [a, b, c, d] = weights.of().subarray(2);
    expect(b).toBeGreaterThan(Math.max(a, c, d));
    expect(weights.of().reduce((x, y) => x + y, 0)).toBeCloseTo(1, 5);
    expect(weights.curves().k).toBe(1);
  });

  it('gives less weight to genes whose loss stays high', () => {
    const weights = new UncertaintyWeights(counts, 0.05);
    for (let i = 0; i < 300; i++) weights.learn(Float32Array.of(0.1, 0.2, 1, 1, 1.9, 2));
    const found = weights.of();
    // At rest e^s is the loss.
    expect(
      farthest(
        found,
        [0.1, 0.2, 1, 1, 1.9, 2].map((l) => 1 / 12 / l),
      ),
    ).toBeLessThan(0.05);
  });

  it('weighs by the slopes of its small network, and follows them when the losses move', () => {
    const net = new WeightNet(counts, { rate: 1e-2, random: Random.of(1) });
    const losses = Float32Array.of(0.9, 1, 1.1, 0.8, 0.7, 1.2);
    const rates = Float32Array.of(0.1, -0.3, 0.2, 0.5, -0.4, 0.6);
    const moved = (d: number): Float32Array => net.of(losses.map((l, j) => l + d * rates[j]));
    const [up, down] = [moved(0.05), moved(-0.05)];
    expect(
      farthest(
        net.rates(losses, rates),
        up.map((w, j) => (w - down[j]) / 0.1),
      ),
    ).toBeLessThan(1e-2);
    expect(net.of(losses)[0]).toBeGreaterThan(0.5);
  });

  it('gives genes along which the validation loss falls more weight in the network', () => {
    const net = new WeightNet(counts, { rate: 1e-2, random: Random.of(1) });
    const losses = Float32Array.of(0.9, 1, 1.1, 0.8, 0.7, 1.2);
    const before = net.of(losses);
    for (let i = 0; i < 5; i++) net.descend(losses, Float32Array.of(0, 0, 1, 1, -1, -1));
    const after = net.of(losses);
    expect(after[2]).toBeGreaterThan(before[2]);
    expect(after[5]).toBeLessThan(before[5]);
    expect(Math.min(...after)).toBeGreaterThanOrEqual(0);
  });
});
