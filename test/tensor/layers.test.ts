import { describe, expect, it } from 'vitest';
import { loadBackend } from '../../tensor/backend.ts';
import { Batches, cut, geneScale } from '../../tensor/batches.ts';
import { maskedCrossEntropy, maskedSquaredError, RunningMoments } from '../../tensor/layers.ts';
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

describe('RunningMoments', () => {
  it('normalises by the batch in training and by the running moments afterwards', () => {
    const norm = new RunningMoments(tf, 1);
    const x = tf.tensor2d([1, 2, 3, 6], [4, 1]);
    const [one, zero] = [tf.ones([1]).as1D(), tf.zeros([1]).as1D()];
    const trained = Array.from(norm.train(x, one, zero).dataSync());
    expect(trained.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 5);
    norm.update();
    const [mean, variance] = [0.1 * 3, 0.9 + 0.1 * (14 / 3)];
    expect(norm.infer(x, one, zero).dataSync()[0]).toBeCloseTo((1 - mean) / Math.sqrt(variance + 1e-5), 5);
    norm.dispose();
  });
});

describe('Batches', () => {
  const { X } = tinyAtlas();
  const rows = Uint32Array.from({ length: 100 }, (_, i) => i);

  it('are z-scores of the train cells', () => {
    const batches = new Batches(tf, X, { rows, scale: geneScale(X, rows) });
    const { mean, variance } = tf.moments(batches.take(rows), 0);
    expect(Math.max(...mean.abs().dataSync())).toBeLessThan(1e-5);
    expect(variance.dataSync()[0]).toBeCloseTo(99 / 100, 4);
    batches.dispose();
  });

  it('never end in a batch of one cell', () => {
    expect(cut(Uint32Array.from({ length: 9 }), 4).map((b) => b.length)).toEqual([4, 5]);
    expect(cut(Uint32Array.from({ length: 10 }), 4).map((b) => b.length)).toEqual([4, 4, 2]);
    expect(cut(Uint32Array.from({ length: 3 }), 4).map((b) => b.length)).toEqual([3]);
  });
});
