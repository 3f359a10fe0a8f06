import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { loadBackend } from '../../tensor/backend.ts';
import { Batches, cut, geneScale } from '../../tensor/batches.ts';
import { maskedCrossEntropy, maskedSquaredError, Block, dense } from '../../tensor/layers.ts';
import { tinyAtlas } from '../kit/tiny-atlas.ts';

const { tf } = await loadBackend();

describe('losses', () => {
  it('leave unlabelled cells out, in value and gradient', () => {
    const logits = tf.tensor2d([1, 2, 0, 5, -1, 0.5], [3, 2]);
    const codes = Int32Array.of(0, -1, 1);
    const expected = (Math.log1p(Math.exp(1)) + Math.log1p(Math.exp(-1.5))) / 2;
    expect(maskedCrossEntropy(tf, logits, codes)!.dataSync()[0]).toBeCloseTo(expected, 5);
    const gradient = tf
      .grad((x) => maskedCrossEntropy(tf, x.as2D(3, 2), codes)!)(logits)
      .dataSync();
    expect(Array.from(gradient.slice(2, 4))).toEqual([0, 0]);
    expect(maskedCrossEntropy(tf, logits, Int32Array.of(-1, -1, -1))).toBeUndefined();
    const outputs = tf.tensor2d([1, 2, 3], [3, 1]);
    expect(maskedSquaredError(tf, outputs, Float32Array.of(0, Number.NaN, 5))!.dataSync()[0]).toBeCloseTo(2.5, 6);
  });
});

describe('Block', () => {
  it('normalises by the batch in training and by the running moments afterwards', () => {
    const block = new Block(tf, 1);
    const x = tf.tensor2d([1, 2, 3, 6], [4, 1]);
    const parameters = [tf.ones([1, 1]), tf.ones([1]), tf.zeros([1])];
    const trained = Array.from(block.train(x, parameters).dataSync());
    expect(trained.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 5);
    const [mean, variance] = [0.1 * 3, 0.9 + 0.1 * (14 / 3)];
    expect(block.infer(x, parameters).dataSync()[0]).toBeCloseTo((1 - mean) / Math.sqrt(variance + 1e-5), 5);
    const other = new Block(tf, 1);
    other.restore(structuredClone(block.state()));
    expect(other.infer(x, parameters).dataSync()).toEqual(block.infer(x, parameters).dataSync());
  });
});

describe('gradients of our own', () => {
  const random = (n: number, shift = 0): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin(3 * i + 1 + shift));
  const inputs = [tf.tensor2d(random(12), [4, 3]), tf.tensor2d(random(6, 0.3), [3, 2]), tf.tensor1d([1.2, 0.7]), tf.tensor1d([0.1, -0.2])];
  const weigh = (y: Tensor): Scalar => y.mul(tf.tensor2d(random(8, 0.7), [4, 2])).sum();
  const cases: [string, (p: Tensor[]) => Tensor, (p: Tensor[]) => Tensor, number][] = [];
  for (const slope of [undefined, 0, 0.01]) {
    const act = (y: Tensor): Tensor => (slope === undefined ? y : slope === 0 ? y.relu() : y.leakyRelu(slope));
    const options = slope === undefined ? {} : { slope };
    cases.push([
      `dense, slope ${slope}`,
      ([x, w, b]) => dense(tf, x as Tensor2D, [w, b], options),
      ([x, w, b]) => act(x.matMul(w).add(b)),
      3,
    ]);
    cases.push([
      `block, slope ${slope}`,
      ([x, w, scale, shift]) => new Block(tf, 2).train(x as Tensor2D, [w, scale, shift], options),
      ([x, w, scale, shift]) => {
        const y = x.matMul(w);
        const { mean, variance } = tf.moments(y, 0);
        return act(y.sub(mean).div(variance.add(1e-5).sqrt()).mul(scale).add(shift));
      },
      4,
    ]);
  }

  it.each(cases)('%s: value and gradients are those of plain operations', (_, own, plain, count) => {
    const given = inputs.slice(0, count);
    const [a, b] = [own, plain].map((run) => tf.valueAndGrads((...p: Tensor[]) => weigh(run(p)))(given));
    expect(a.value.dataSync()[0]).toBeCloseTo(b.value.dataSync()[0], 5);
    a.grads.forEach((g, i) => {
      const wanted = b.grads[i].dataSync();
      g.dataSync().forEach((v, at) => expect(v).toBeCloseTo(wanted[at], 4));
    });
  });

  it('needs no gradient of data', () => {
    const { grads } = tf.valueAndGrads((w: Tensor, b: Tensor) => weigh(dense(tf, inputs[0] as Tensor2D, [w, b], { isData: true })))([
      inputs[1],
      inputs[3],
    ]);
    expect(grads.map((g) => g.shape)).toEqual([[3, 2], [2]]);
  });
});

describe('Batches', () => {
  const { X } = tinyAtlas();
  const rows = Uint32Array.from({ length: 100 }, (_, i) => i);

  it('are z-scores of the train cells', () => {
    const batches = new Batches(tf, X, { rows, form: { kind: 'scaled', scale: geneScale(X, rows) } });
    const { mean, variance } = tf.moments(batches.take(rows), 0);
    expect(Math.max(...mean.abs().dataSync())).toBeLessThan(1e-5);
    expect(variance.dataSync()[0]).toBeCloseTo(99 / 100, 4);
    batches.dispose();
  });

  it('are clipped, binary, and of some genes only when asked for', () => {
    const scale = geneScale(X, rows);
    const clipped = new Batches(tf, X, { rows, form: { kind: 'scaled', scale, clip: 0.5 } }).take(rows);
    expect(clipped.abs().max().dataSync()[0]).toBeCloseTo(0.5, 6);
    const genes = Uint32Array.of(7, 2);
    const binary = new Batches(tf, X, { rows, form: { kind: 'binary' }, genes }).take(rows);
    const plain = new Batches(tf, X, { rows, form: { kind: 'plain' }, genes }).take(rows).dataSync();
    expect(binary.shape).toEqual([100, 2]);
    expect([...binary.dataSync()]).toEqual([...plain].map((x) => (x > 0 ? 1 : 0)));
  });

  it('never end in a batch of one cell', () => {
    expect(cut(Uint32Array.from({ length: 9 }), 4).map((b) => b.length)).toEqual([4, 5]);
    expect(cut(Uint32Array.from({ length: 10 }), 4).map((b) => b.length)).toEqual([4, 4, 2]);
    expect(cut(Uint32Array.from({ length: 3 }), 4).map((b) => b.length)).toEqual([3]);
  });
});
