import { describe, expect, it } from 'vitest';
import { type Column, type Dataset, takeCells } from '../../../data/dataset.ts';
import type { Panel, Split } from '../../../plugins/contract.ts';
import ridgeForward from '../../../plugins/selectors/ridge-forward.ts';
import { Random } from '../../../stats/random.ts';
import { testSelector } from '../../kit/selector.ts';
import { testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(ridgeForward);

const CELLS = 240;
const GENES = 30;
const all: Split = {
  train: Uint32Array.from({ length: CELLS }, (_, i) => i),
  validation: new Uint32Array(0),
  test: new Uint32Array(0),
};

/** Four classes; genes 0 to 3 mark one each, 4 to 7 repeat them exactly, 8 and 9 mark the state, 10 never changes, the others are noise. */
function planted(): Dataset {
  const random = Random.of(3, 'planted');
  const [type, state] = [Int32Array.from({ length: CELLS }, (_, i) => i % 4), Int32Array.from({ length: CELLS }, (_, i) => (i >> 2) % 2)];
  const data = new Float32Array(CELLS * GENES);
  for (let i = 0; i < CELLS; i++) {
    for (let j = 0; j < GENES; j++) {
      const isOn = j < 4 ? type[i] === j : (j === 8 || j === 9) && state[i] === j - 8;
      const value = Math.max(0, (isOn ? 4 : 0) + random.normal());
      data[i * GENES + j] = j === 10 ? 1 : j >= 4 && j < 8 ? data[i * GENES + j - 4] : value;
    }
  }
  const category = (codes: Int32Array, ...categories: string[]): Column => ({ kind: 'category', codes, categories });
  const age = Float64Array.from({ length: CELLS }, (_, i) => data[i * GENES + 20] + data[i * GENES + 21] + 0.1 * random.normal());
  return {
    X: { kind: 'dense', rows: CELLS, cols: GENES, data },
    scale: 'log',
    layers: {},
    obs: {
      index: Array.from({ length: CELLS }, (_, i) => `cell${i}`),
      columns: {
        type: category(type, 'a', 'b', 'c', 'd'),
        state: category(state, 'rest', 'active'),
        age: { kind: 'number', values: age },
      },
    },
    var: { index: Array.from({ length: GENES }, (_, j) => `gene${j}`), columns: {} },
    obsm: {},
    uns: {},
  };
}

interface Given {
  readonly data?: Dataset;
  readonly split?: Split;
  readonly [param: string]: unknown;
}

async function ranked({ data = planted(), split = all, ...given }: Given = {}): Promise<Panel> {
  const params = ridgeForward.params.parse({ tasks: [{ column: 'type' }], ...given });
  return (await ridgeForward.run(testContext(), { data, split }, params)).outputs.panel as Panel;
}

const first = (panel: Panel, k: number): number[] => [...panel.genes.subarray(0, k)].toSorted((a, b) => a - b);

describe('selector/ridge-forward', () => {
  it('finds the marker of each class, and takes a gene that stands there twice once', async () => {
    expect(first(await ranked(), 4)).toEqual([0, 1, 2, 3]);
  });

  it('takes doubles where redundancy does not count: a limit of one gene ranks by what each gene adds alone', async () => {
    const panel = await ranked({ limit: 1 });
    expect(first(panel, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('serves several tasks with one panel', async () => {
    const panel = await ranked({ tasks: [{ column: 'type' }, { column: 'state' }] });
    expect(panel.task).toBeNull();
    expect(first(panel, 6)).toEqual([0, 1, 2, 3, 8, 9]);
  });

  it('finds the genes that make up a number, beside classes too', async () => {
    const age = { column: 'age', kind: 'regression' };
    expect(first(await ranked({ tasks: [age] }), 2)).toEqual([20, 21]);
    expect(first(await ranked({ tasks: [{ column: 'type' }, age] }), 6)).toEqual([0, 1, 2, 3, 20, 21]);
  });

  it('ranks every gene, those that never change last, also where genes outnumber cells', async () => {
    const few: Split = { ...all, train: all.train.subarray(0, 12) };
    for (const split of [all, few]) {
      const { genes, scores } = await ranked({ split });
      expect(new Set(genes).size).toBe(GENES);
      expect(genes.at(-1)).toBe(10);
      expect(scores.at(-1)).toBe(0);
    }
  });

  it('says with the scores what each gene explains: they fall, and sum to less than all', async () => {
    const { scores } = await ranked();
    expect(scores.every((score, i) => i === 0 || score <= scores[i - 1] + 1e-12)).toBe(true);
    expect(scores.reduce((a, b) => a + b, 0)).toBeLessThan(1);
  });

  it('takes off the penalised sum of squares exactly what its scores say', async () => {
    const panel = await ranked({ tasks: [{ column: 'age', kind: 'regression' }] });
    const sum = panel.scores.subarray(0, 5).reduce((a, b) => a + b, 0);
    expect(sum).toBeCloseTo(explainedBySolving(planted(), [...panel.genes.subarray(0, 5)]), 10);
  });

  it('learns from cells with a label alone', async () => {
    const data = planted();
    const type = data.obs.columns.type as Extract<Column, { kind: 'category' }>;
    const codes = type.codes.map((code, i) => (i % 5 === 0 ? -1 : code));
    const missing = { ...data, obs: { ...data.obs, columns: { ...data.obs.columns, type: { ...type, codes } } } };
    expect(first(await ranked({ data: missing }), 4)).toEqual([0, 1, 2, 3]);
  });

  it('gives the same genes when cells come in another order', async () => {
    const data = planted();
    const turned = takeCells(
      data,
      Array.from({ length: CELLS }, (_, i) => (i * 7 + 3) % CELLS),
    );
    expect((await ranked({ data: turned })).genes).toEqual((await ranked({ data })).genes);
  });

  it('starts every longer panel with the shorter one', async () => {
    expect((await ranked({ limit: 20 })).genes.subarray(0, 6)).toEqual((await ranked({ limit: 6 })).genes.subarray(0, 6));
  });

  it('refuses a run without tasks', async () => {
    await expect(ranked({ data: tinyAtlas(), split: tinySplit(tinyAtlas()), tasks: [] })).rejects.toMatchObject({ code: 'DATA' });
  });
});

/** y'X (X'X + penalty)^-1 X'y of the number, centred and of length 1, on these genes, by Gaussian elimination. */
function explainedBySolving({ X, obs }: Dataset, genes: readonly number[]): number {
  const centred = (values: readonly number[]): number[] => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return values.map((v) => v - mean);
  };
  const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i], 0);
  const gene = (j: number): number[] => centred(Array.from({ length: CELLS }, (_, i) => X.data[i * GENES + j]));
  const squares = Array.from({ length: GENES }, (_, j) => dot(gene(j), gene(j)));
  const penalty = dot(squares, squares) / squares.reduce((a, b) => a + b, 0);
  const age = centred([...(obs.columns.age as Extract<Column, { kind: 'number' }>).values]);
  const y = age.map((v) => v / Math.sqrt(dot(age, age)));
  const x = genes.map(gene);
  const rows = x.map((a, i) => [...x.map((b, j) => dot(a, b) + (i === j ? penalty : 0)), dot(a, y)]);
  const m = rows.length;
  for (let i = 0; i < m; i++) {
    for (let r = i + 1; r < m; r++) {
      const weight = rows[r][i] / rows[i][i];
      for (let c = i; c <= m; c++) rows[r][c] -= weight * rows[i][c];
    }
  }
  const solution: number[] = [];
  for (let i = m - 1; i >= 0; i--) {
    let rest = rows[i][m];
    for (let c = i + 1; c < m; c++) rest -= rows[i][c] * solution[c];
    solution[i] = rest / rows[i][i];
  }
  return x.reduce((sum, a, i) => sum + dot(a, y) * solution[i], 0);
}
