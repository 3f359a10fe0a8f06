import { describe, expect, it } from 'vitest';
import type { TaskNode } from '../../core/shards.ts';
import { Board } from '../../workflows/board.ts';

const node = (id: string, more: Partial<TaskNode> = {}): TaskNode => ({
  ...{ id, step: 'select', label: id, uses: 's/x', queue: 'cpu', timeoutMs: 1, needs: [], waits: [] },
  ...more,
});
/** A board that knows scores. */
function boardWith(scores: Readonly<Record<string, number>>): Board {
  const board = new Board();
  for (const [id, score] of Object.entries(scores)) board.ended(node(id), 'COMPLETED', { status: 'COMPLETED', ms: 1, score });
  return board;
}

describe('a gate', () => {
  const rivals = [['a0', 'a1'], ['b0', 'b1'], ['c0', 'c1'], ['d0']];
  const admitted = (scores: Readonly<Record<string, number>>, eta: number): number[] =>
    rivals.map((_, own) => own).filter((own) => boardWith(scores).admits(node('x', { gate: { own, rivals, eta, bracket: 'a' } })));

  it('lets the best 1 in eta pass, by their means; ties in the order of the plan', () => {
    const scores = { a0: 0.9, a1: 0.1, b0: 0.6, b1: 0.6, c0: 0.5, c1: 0.7, d0: 0.2 };
    expect(admitted(scores, 2)).toEqual([1, 2]);
    expect(admitted(scores, 4)).toEqual([1]);
  });

  it('leaves out who has no score, and lets all pass when nobody has one', () => {
    expect(admitted({ a0: 0.1, d0: 0.3 }, 1.1)).toEqual([0, 3]);
    expect(admitted({}, 3)).toEqual([0, 1, 2, 3]);
  });
});

describe('adaptive seeds', () => {
  const rivals = ['a', 'b', 'c'].map((name) => [0, 1, 2].map((seed) => [`${name}${seed}`]));
  const wanted = (values: Readonly<Record<string, readonly number[]>>): number[] => {
    const scores = Object.fromEntries(Object.entries(values).flatMap(([name, list]) => list.map((v, seed) => [`${name}${seed}`, v])));
    const undecided = (own: number): TaskNode => node('x', { undecided: { own, rivals, critical: [12.706, 4.303], bracket: 'a' } });
    return [0, 1, 2].filter((own) => boardWith(scores).admits(undecided(own)));
  };

  it('go on for those that cannot be told apart, and end for who is apart from all', () => {
    expect(wanted({ a: [0.9, 0.92, 0.91], b: [0.91, 0.9, 0.92], c: [0.5, 0.52, 0.51] })).toEqual([0, 1]);
    expect(wanted({ a: [0.9, 0.92, 0.91], b: [0.7, 0.72, 0.71], c: [0.5, 0.52, 0.51] })).toEqual([]);
  });

  it('compare the seeds that both have; one is not enough to tell', () => {
    expect(wanted({ a: [0.9, 0.92, 0.91], c: [0.5] })).toEqual([0, 2]);
  });
});
