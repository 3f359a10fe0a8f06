import { describe, expect, it } from 'vitest';
import { Random } from '../../stats/random.ts';
import { RowAdam } from '../../tensor/row-adam.ts';

const ROWS = 6;
const all = Uint32Array.from({ length: ROWS }, (_, i) => i);
const create = (): RowAdam =>
  new RowAdam(
    Float32Array.from({ length: 2 * ROWS }, (_, i) => i / 10),
    { width: 2, rate: 0.01 },
  );

/** Adam over the whole matrix, rows without a gradient included. */
function dense(steps: readonly (readonly [Uint32Array, Float64Array])[]): Float64Array {
  const x = Float64Array.from({ length: 2 * ROWS }, (_, i) => i / 10);
  const [m, v] = [new Float64Array(2 * ROWS), new Float64Array(2 * ROWS)];
  steps.forEach(([rows, gradient], t) => {
    for (let at = 0; at < 2 * ROWS; at++) {
      const r = rows.indexOf(Math.floor(at / 2));
      const g = r < 0 ? 0 : gradient[2 * r + (at % 2)];
      m[at] = 0.9 * m[at] + 0.1 * g;
      v[at] = 0.999 * v[at] + 0.001 * g * g;
      x[at] -= (0.01 * (m[at] / (1 - 0.9 ** (t + 1)))) / (Math.sqrt(v[at] / (1 - 0.999 ** (t + 1))) + 1e-8);
    }
  });
  return x;
}

describe('RowAdam', () => {
  const random = new Random(1);
  const steps = Array.from({ length: 300 }, (_, t): [Uint32Array, Float64Array] => {
    // Row 5 has gradients at the beginning only, row 4 now and then.
    const rows = all.filter((r) => (r === 5 ? t < 3 : r === 4 ? t % 50 === 7 : (t + r) % (r + 1) === 0));
    return [rows, Float64Array.from({ length: 2 * rows.length }, () => random.normal())];
  });

  it('gives what Adam over the whole matrix gives', () => {
    const own = create();
    for (const [rows, gradient] of steps) own.apply(rows, gradient);
    const wanted = dense(steps);
    own.take(all).forEach((value, at) => expect(value).toBeCloseTo(wanted[at], 5));
  });

  it('goes on bit by bit from a saved state', () => {
    const whole = create();
    const second = create();
    steps.forEach(([rows, gradient], t) => {
      whole.apply(rows, gradient);
      if (t === 140) second.restore(structuredClone(whole.state()));
      if (t > 140) second.apply(rows, gradient);
    });
    expect(second.state()).toEqual(whole.state());
  });
});
