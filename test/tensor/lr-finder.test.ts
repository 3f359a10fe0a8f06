import { describe, expect, it } from 'vitest';
import type { Portable } from '../../core/plugin.ts';
import { Random } from '../../stats/random.ts';
import { LrFinder, type RatedModel, steepest } from '../../tensor/lr-finder.ts';

/** Gradient descent on x^2 / 2 from x = 10. */
class Bowl implements RatedModel {
  rate = 0.5;
  x = 10;
  seen: number[] = [];

  step(): number {
    this.seen.push(this.rate);
    const loss = this.x ** 2 / 2;
    this.x -= this.rate * this.x;
    return loss;
  }

  state(): Portable {
    return { x: this.x };
  }

  restore(state: Portable): void {
    this.x = (state as { x: number }).x;
  }
}

const rows = Uint32Array.from({ length: 20 }, (_, i) => i);
const finder = (model: RatedModel, to = 0.1): LrFinder =>
  new LrFinder(model, { rows, batch: 8, steps: 100, from: 1e-8, to, random: Random.of(1, 'finder') });

describe('LrFinder', () => {
  it('raises the rate evenly, puts the model back and sets the rate found', () => {
    const model = new Bowl();
    const search = finder(model);
    while (search.advance());
    expect(model.x).toBe(10);
    expect(model.seen.length).toBe(100);
    expect(model.seen[0]).toBe(1e-8);
    expect(model.seen[99]).toBeCloseTo(0.1, 12);
    expect(model.rate).toBeGreaterThan(0);
    expect(model.rate).toBeLessThan(0.1);
    expect(model.seen).toContain(model.rate);
  });

  it('goes on from a saved state to the same rate', () => {
    const [whole, first, second] = [new Bowl(), new Bowl(), new Bowl()];
    const search = finder(whole);
    while (search.advance());
    const broken = finder(first);
    for (let i = 0; i < 37; i++) broken.advance();
    const resumed = finder(second);
    resumed.restore(structuredClone(broken.state()));
    while (resumed.advance());
    expect(second.rate).toBe(whole.rate);
    expect(second.x).toBe(10);
  });

  it('ends early when the loss diverges, and lets other errors through', () => {
    const model = new Bowl();
    const search = finder(model, 1e9);
    while (search.advance());
    expect(model.x).toBe(10);
    const failing = Object.assign(new Bowl(), {
      step: () => {
        throw new RangeError('no');
      },
    });
    expect(() => finder(failing).advance()).toThrow(RangeError);
  });

  it('finds the steepest fall after the first ten', () => {
    const losses = Array.from({ length: 40 }, (_, i) => (i < 5 ? 100 - 20 * i : i < 25 ? 10 : i < 30 ? 10 - (i - 24) * 1.5 : 2.5));
    expect(steepest(losses)).toBe(25);
    expect(steepest(losses.slice(0, 11))).toBeUndefined();
  });
});
