import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type InnerSteps, lookAhead, type SpotBatch } from '../../tensor/agl-unroll.ts';
import { loadBackend } from '../../tensor/backend.ts';
import { geneTargets } from '../../tensor/pearson.ts';
import { farthest } from '../kit/near.ts';

const { tf } = await loadBackend();

/** See agl-unroll.py. */
interface Case {
  readonly hidden: readonly number[];
  readonly inner: InnerSteps;
  readonly parameters: readonly (number[] | number[][])[];
  readonly x: number[][];
  readonly y: number[][];
  readonly x_validation: number[][];
  readonly y_validation: number[][];
  readonly weights: number[];
  readonly loss: number;
  readonly slopes: number[];
}

const { cases } = JSON.parse(readFileSync(new URL('../fixtures/agl-unroll.json', import.meta.url), 'utf8')) as { cases: Case[] };

function look(given: Case): { readonly loss: number; readonly slopes: Float32Array } {
  return tf.tidy(() => {
    const batch = (x: number[][], y: number[][]): SpotBatch => ({ x: tf.tensor2d(x), targets: geneTargets(tf, tf.tensor2d(y)) });
    const parameters = given.parameters.map((values) => tf.tensor(values, undefined, 'float32'));
    const inputs = {
      train: batch(given.x, given.y),
      validation: batch(given.x_validation, given.y_validation),
      weights: tf.tensor1d(given.weights),
    };
    return lookAhead(tf, parameters, inputs, given.inner);
  });
}

describe('lookAhead', () => {
  it.each(cases)('gives what automatic differentiation gives: hidden $hidden, $inner', (given) => {
    const { loss, slopes } = look(given);
    expect(Math.abs(loss - given.loss)).toBeLessThan(1e-5);
    const largest = Math.max(...given.slopes.map(Math.abs));
    expect(farthest(slopes, given.slopes, largest)).toBeLessThan(1e-5);
  });
});
