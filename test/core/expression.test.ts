import { describe, expect, it } from 'vitest';
import { type Scope, template } from '../../core/expression.ts';

const scope: Scope = {
  names: {
    params: { seeds: [0, 1], hvg: null, split: { train: 0.7 }, name: 'a' },
    axis: { k: 16, selector: { uses: 'selector/yoto', as: 'yoto' } },
  },
  has: (uses, trait) => uses === 'selector/yoto' && trait === 'multi-task',
  about: () => ({ summary: 'what it does', cites: ['doi'] }),
};
const value = (text: unknown): unknown => template(text).evaluate(scope);

describe('an expression', () => {
  it.each([
    ['${{ 1 + 2 * 3 }}', 7],
    ['${{ (1 + 2) * 3 - -1 }}', 10],
    ['${{ 7 % 4 / 2 }}', 1.5],
    ["${{ 'a' + 'b' }}", 'ab'],
    ['${{ 1 < 2 && !(2 >= 3) || false }}', true],
    ["${{ axis.k == 16 ? 'yes' : 'no' }}", 'yes'],
    ['${{ axis.k != 16 ? 1 : axis.k > 3 ? 2 : 3 }}', 2],
    ['${{ params.seeds }}', [0, 1]],
    ['${{ params.split.train }}', 0.7],
    ['${{ params.split.test }}', null],
    ['${{ defined(params.hvg) }}', false],
    ['${{ length(params.seeds) }}', 2],
    ['${{ contains(params.seeds, 1) }}', true],
    ['${{ max(concat(params.seeds, [5])) }}', 5],
    ['${{ min(params.seeds) }}', 0],
    ['${{ range(2, 5) }}', [2, 3, 4]],
    ['${{ upto(range(2, 9), 4) }}', [2, 3, 4]],
    ["${{ has(axis.selector.uses, 'multi-task') }}", true],
    ["${{ has('selector/random', 'multi-task') }}", false],
    ['k is ${{ axis.k }} of ${{ params.name }}', 'k is 16 of a'],
    ['no expression', 'no expression'],
    [12, 12],
    [{ a: ['${{ axis.k }}', { b: '${{ 1 }}' }] }, { a: [16, { b: 1 }] }],
    ['${{ about([axis.selector]) }}', [{ id: 'yoto', summary: 'what it does', cites: ['doi'] }]],
  ])('%j is %j', (text, expected) => expect(value(text)).toEqual(expected));

  it.each([
    ['${{ params.seed }}', /no params\.seed/],
    ['${{ parms.seeds }}', /no parms/],
    ['${{ params.name.x }}', /has no "x"/],
    ['${{ params.name * 2 }}', /wants a number, and got a string/],
    ['${{ 1 / 0 }}', /has no value/],
    ["${{ 1 ? 'a' : 'b' }}", /wants true or false/],
    ['${{ 1 && true }}', /wants true or false/],
    ['${{ length(1, 2) }}', /was given 2 values/],
    ['${{ constructor(1) }}', /no function/],
    ['${{ params.constructor }}', /no params\.constructor/],
    ['${{ range(0, 1e9) }}', /at most 100,000/],
    ['${{ 1 + }}', /not expected/],
    ['${{ (1 }}', /Expected "\)"/],
    ['${{ # }}', /not understood/],
    ['${{ 1 2 }}', /not expected/],
    ['a ${{ 1', /does not close/],
  ])('%j is refused', (text, message) => expect(() => value(text)).toThrow(message));

  it('knows the axes that it looks at', () => {
    expect(template({ a: '${{ axis.k + axis.seed }}', b: ["${{ has(axis.selector.uses, 'x') ? axis.k : 1 }}"] }).axes).toEqual([
      'k',
      'seed',
      'selector',
    ]);
  });
});
