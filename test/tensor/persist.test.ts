import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { Random } from '../../stats/random.ts';
import { loadBackend } from '../../tensor/backend.ts';
import { gateParameter, hurdleLoss, nextPenalty, openGates, secant, widestRows } from '../../tensor/persist-units.ts';
import { farthest } from '../kit/near.ts';
import { golden, hasShared } from '../kit/shared-data.ts';

const { tf } = await loadBackend();
const random = Random.of(3, 'persist');
const normal = (...shape: number[]): Tensor =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    shape,
  );
const uniform = (...shape: number[]): Tensor =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform()),
    shape,
  );
const near = (found: Tensor, wanted: readonly number[][], floor = 1e-3): void =>
  expect(farthest(found.dataSync(), wanted.flat(), floor)).toBeLessThan(1e-5 / floor);

describe.skipIf(!hasShared)('units of PERSIST', () => {
  const units = hasShared ? golden('unit/persist_units.json') : {};

  it.each([10, 1, 0.01])('sample as the reference at temperature %d', (t) => {
    const u = tf.tensor2d(units.u);
    const gates = tf.tensor1d(units.logits).div(2);
    near(openGates(tf, gates, u.log().sub<Tensor2D>(tf.sub(1, u).log()), { t }), units[`binconcrete_t${t}`]);
    const rows = tf.tensor2d([units.logits]).div(3);
    near(widestRows(tf, rows, u.log().neg().reshape([1, 3, 4]), t), units[`concrete_t${t}`]);
  });

  it('start with gates that are open', () => {
    for (const value of units.binarygates_init._logits) expect(gateParameter(0.99)).toBeCloseTo(value, 5);
  });

  it.each([10, 1])('give the hurdle loss with weight %d', (weight) => {
    const { pred_interleaved_mu_plogit: pairs, target, [`loss_lam${weight}`]: wanted } = units.hurdle;
    const split = pairs.map((row: number[]) => [...row.filter((_, i) => i % 2 === 0), ...row.filter((_, i) => i % 2 === 1)]);
    expect(hurdleLoss(tf, tf.tensor2d(split), tf.tensor2d(target), weight).dataSync()[0]).toBeCloseTo(wanted, 5);
  });

  it('search the penalty along the secants of the reference', () => {
    for (const { lam, remaining, target, hist_lam: penalties, hist_rem: left, next } of units.secant) {
      const trials = penalties.map((penalty: number, i: number) => ({ penalty, genes: left[i] }));
      expect(secant([...trials, { penalty: lam, genes: remaining }], target) / next).toBeCloseTo(1, 7);
    }
  });
});

it('changes the penalty by a factor of ten at most', () => {
  const all = { penalty: 0, genes: 4000 };
  expect(nextPenalty([all, { penalty: 1e-4, genes: 4000 }], 500)).toBeCloseTo(1e-3, 12);
  expect(nextPenalty([all, { penalty: 1e-3, genes: 3999 }, { penalty: 1e-2, genes: 3 }], 500)).toBeCloseTo(1e-3, 12);
});

describe('gradients of the masks and the hurdle loss', () => {
  const check = (own: (p: Tensor) => Tensor, plain: (p: Tensor) => Tensor, p: Tensor): void => {
    const ours = tf.valueAndGrad(own)(p);
    const theirs = tf.valueAndGrad(plain)(p);
    expect(farthest(ours.value.dataSync(), theirs.value.dataSync(), 1)).toBeLessThan(1e-4);
    expect(farthest(ours.grad.dataSync(), theirs.grad.dataSync(), 1)).toBeLessThan(1e-4);
  };
  const weights = normal(5, 7);

  it('are those of their definitions', () => {
    const noise = normal(5, 7) as Tensor2D;
    const gates = (p: Tensor): Tensor => noise.add(p.mul(2)).div(0.7).sigmoid();
    check(
      (p) => openGates(tf, p, noise, { t: 0.7 }).mul(weights).sum(),
      (p) => gates(p).mul(weights).sum(),
      normal(7),
    );
    const some = noise.slice([0, 0], [3, 7]);
    const both = tf.concat([some, some.slice([1, 0]).neg()], 0);
    check(
      (p) => openGates(tf, p, some, { t: 0.7, cells: 5 }).mul(weights).sum(),
      (p) => both.add(p.mul(2)).div(0.7).sigmoid().mul(weights).sum(),
      normal(7),
    );
    const penalised = tf.grad((p) => openGates(tf, p, noise, { t: 0.7, penalty: 0.3 }).mul(weights).sum())(gates(normal(7)).sum(0));
    const plain = tf.grad((p) => gates(p).mul(weights).add(gates(p).mul(0.3)).sum())(gates(normal(7)).sum(0));
    expect(penalised.shape).toEqual(plain.shape);
    const waits = uniform(3, 5, 7).log().neg();
    const rows = (p: Tensor): Tensor => p.mul(3).reshape([3, 1, 7]).sub(waits.log()).div(0.9).softmax().max(0);
    check(
      (p) => widestRows(tf, p, waits, 0.9).mul(weights).sum(),
      (p) => rows(p).mul(weights).sum(),
      normal(3, 7),
    );
    const x = normal(5, 7).relu<Tensor2D>();
    const on = x.greater(0).cast('float32');
    const hurdle = (p: Tensor): Tensor => {
      const [means, q] = [p.slice([0, 0], [5, 7]), p.slice([0, 7], [5, 7])];
      const bce = q.softplus().sub(q.mul(tf.sub(1, on)));
      return bce.mul(10).add(x.sub(means).square().mul(on)).sum().div(5);
    };
    check((p) => hurdleLoss(tf, p as Tensor2D, x), hurdle, normal(5, 14));
  });
});
