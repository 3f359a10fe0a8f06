import type { Tensor } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type Backend, loadBackend } from '../../tensor/backend.ts';
import { createOptimizer, type Optimizer } from '../../tensor/optimizer.ts';

const adamOf = (backend: Backend, initial: readonly Tensor[], rates: readonly number[]): Optimizer =>
  createOptimizer(backend, initial, { rule: { kind: 'adam' }, rates });

const native = await loadBackend();
const plain: Backend = { ...native, native: undefined };
const forms: [string, Backend][] = native.native ? [['fused', native]] : [];
forms.push(['plain', plain]);

function start({ tf }: Backend): Tensor[] {
  return [tf.tensor2d([1, -2, 3, 0.5], [2, 2]), tf.tensor1d([0.1, -0.3])];
}

function steps({ tf }: Backend, adam: Optimizer, count: number): void {
  for (let i = 0; i < count; i++) {
    const values = adam.read();
    const gradients = tf.tidy(() => values.map((v) => v.square().sub(0.5).add(0.01)));
    tf.dispose(values);
    adam.apply(gradients);
    tf.dispose(gradients);
  }
}

describe.each(forms)('Adam, %s', (_, backend) => {
  it('follows algorithm 1 of the paper', () => {
    const adam = adamOf(backend, [backend.tf.tensor1d([1])], [0.1]);
    let [x, m, v] = [1, 0, 0];
    for (let t = 1; t <= 5; t++) {
      const g = 2 * x;
      adam.apply([backend.tf.tensor1d([g])]);
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      x -= (0.1 * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8);
    }
    expect(adam.state().values[0][0][0]).toBeCloseTo(x, 5);
  });

  it('goes on bit by bit from a saved state', () => {
    const whole = adamOf(backend, start(backend), [1e-2, 1e-3]);
    steps(backend, whole, 20);
    const first = adamOf(backend, start(backend), [1e-2, 1e-3]);
    steps(backend, first, 9);
    const second = adamOf(backend, start(backend), [1e-2, 1e-3]);
    second.restore(structuredClone(first.state()));
    steps(backend, second, 11);
    expect(second.state()).toEqual(whole.state());
  });

  it('leaks no tensors', () => {
    const adam = adamOf(backend, start(backend), [1e-2, 1e-3]);
    steps(backend, adam, 2);
    const before = backend.tf.memory().numTensors;
    steps(backend, adam, 10);
    expect(backend.tf.memory().numTensors).toBe(before);
  });
});

describe.each(forms)('Gradient descent with momentum, %s', (_, backend) => {
  it('follows v <- mu v + g, x <- x - lr v, with a schedule, assigned values and a state that goes on bit by bit', () => {
    const { tf } = backend;
    const create = (): Optimizer => createOptimizer(backend, [tf.tensor1d([1, -2])], { rule: { kind: 'sgd', momentum: 0.9 }, rates: 0.1 });
    const whole = create();
    let [x, v] = [1, 0];
    for (let t = 0; t < 6; t++) {
      const other = create();
      other.restore(structuredClone(whole.state()));
      const scale = t < 3 ? 1 : 0.5;
      for (const one of [whole, other]) one.apply([tf.tensor1d([2 * whole.values(0)[0], 1])], one === whole ? scale : scale);
      v = 0.9 * v + 2 * x;
      x -= 0.1 * scale * v;
      expect(whole.values(0)[0]).toBeCloseTo(x, 5);
      other.dispose();
    }
    whole.assign(0, Float32Array.of(3, 4));
    expect([...whole.values(0)]).toEqual([3, 4]);
  });
});
