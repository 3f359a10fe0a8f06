import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { Random } from '../../stats/random.ts';
import { backward, curvature, forward, initParameters } from '../../tensor/agl-network.ts';
import { loadBackend } from '../../tensor/backend.ts';
import { geneTargets } from '../../tensor/pearson.ts';
import { farthest } from '../kit/near.ts';

const { tf } = await loadBackend();
const GENES = 4;

describe.each([[[]], [[7]], [[7, 5]]])('a network with hidden layers %j', (hidden: number[]) => {
  const random = Random.of(2, 'network');
  const block = (rows: number, cols: number): Tensor2D =>
    tf.tensor2d(
      Float32Array.from({ length: rows * cols }, () => random.normal()),
      [rows, cols],
    );
  const parameters = initParameters(tf, random, [5, ...hidden, GENES]);
  const direction = parameters.map((p) => tf.randomNormal(p.shape, 0, 1, 'float32', 3));
  const [x, targets] = [block(11, 5), geneTargets(tf, block(11, GENES))];
  const weights = tf.tensor1d([0.3, 0.2, 0.9, 0.5]);
  const moved = (d: number): Tensor[] => parameters.map((p, at) => p.add(direction[at].mul(d)));
  const inner = (a: readonly Tensor[], b: readonly Tensor[]): number => a.reduce((sum, t, at) => sum + t.mul(b[at]).sum().dataSync()[0], 0);
  const lossesAt = (d: number): Float32Array =>
    forward(tf, moved(d), x, targets)
      .score.r.dataSync()
      .map((r) => 1 - r) as Float32Array;
  const STEP = 2e-3;

  it('has the gradient and the loss rates of finite differences', () => {
    const pass = forward(tf, parameters, x, targets);
    const way = backward(tf, parameters, pass, weights);
    const [up, down] = [lossesAt(STEP), lossesAt(-STEP)];
    const rates = up.map((l, j) => (l - down[j]) / (2 * STEP));
    const { lossRate } = curvature(tf, parameters, { pass, way, weights }, direction, { isRateOnly: true });
    expect(farthest(lossRate.dataSync(), rates, 0.1)).toBeLessThan(5e-3);
    const slope = rates.reduce((sum, rate, j) => sum + rate * weights.dataSync()[j], 0);
    expect(Math.abs(inner(way.gradients, direction) - slope)).toBeLessThan(5e-3);
  });

  it.each([false, true])('has the curvature of finite differences; weights that follow the losses: %j', (isFollowing) => {
    /** Weights w_j l_j, where they follow. */
    const weightsAt = (losses: Tensor1D): Tensor1D => (isFollowing ? weights.mul(losses) : weights);
    const gradientAt = (d: number): Tensor[] => {
      const there = forward(tf, moved(d), x, targets);
      return backward(tf, moved(d), there, weightsAt(tf.scalar(1).sub(there.score.r))).gradients;
    };
    const pass = forward(tf, parameters, x, targets);
    const own = weightsAt(tf.scalar(1).sub(pass.score.r));
    const way = backward(tf, parameters, pass, own);
    const weightRate = (rate: Tensor1D): Tensor1D => weights.mul(rate);
    const { product } = curvature(tf, parameters, { pass, way, weights: own }, direction, isFollowing ? { weightRate } : {});
    const [up, down] = [gradientAt(STEP), gradientAt(-STEP)];
    product.forEach((p, at) => {
      const differences = up[at]
        .sub(down[at])
        .div(2 * STEP)
        .dataSync();
      expect(farthest(p.dataSync(), differences, 0.5), `parameter ${at}`).toBeLessThan(1e-2);
    });
  });
});
