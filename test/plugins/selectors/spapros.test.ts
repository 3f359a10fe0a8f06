import { describe, expect, it } from 'vitest';
import { type Dataset, takeCells } from '../../../data/dataset.ts';
import type { Panel } from '../../../plugins/contract.ts';
import spapros from '../../../plugins/selectors/spapros.ts';
import { lacking, panelOn } from '../../kit/golden-panels.ts';
import { toCsc } from '../../../data/matrix.ts';
import { ForestGrower } from '../../../stats/spapros-forest.ts';
import { goldenSet } from '../../kit/golden-set.ts';
import { testGoldenAccuracy } from '../../kit/golden-tests.ts';
import { testSelector } from '../../kit/selector.ts';
import { golden, hasShared } from '../../kit/shared-data.ts';
import { MARKERS, testContext, tinyAtlas, tinySplit } from '../../kit/tiny-atlas.ts';

testSelector(spapros, { params: { trees: 10, genes: 30 } });

const FEW = { trees: 10, genes: null };

function onTiny(data: Dataset, params: object = {}): Promise<Panel> {
  return panelOn(spapros, { data, split: tinySplit(data) }, { column: 'type', k: 8, params: { ...FEW, ...params } });
}

describe('selector/spapros', () => {
  it('puts markers of the classes in front', async () => {
    const { genes } = await onTiny(tinyAtlas());
    expect([...genes.subarray(0, 6)].filter((j) => MARKERS.includes(j)).length).toBeGreaterThanOrEqual(5);
  });

  it('gives the trees genes of the classes where the genes of variation do not tell them apart', async () => {
    const data = tinyAtlas();
    const params = spapros.params.parse({ tasks: [{ column: 'type' }], ...FEW, n_pca_genes: 1 });
    const { outputs, facts } = await spapros.run(testContext(), { data, split: tinySplit(data) }, params);
    expect(facts!.genes_added_to_pca).toBeGreaterThan(2);
    const best = (outputs.panel as Panel).genes.subarray(0, facts!.genes_in_best_trees as number);
    expect([...best].filter((j) => MARKERS.includes(j)).length).toBeGreaterThanOrEqual(3);
  });

  it('sets genes that no tree splits by behind the others, without a score', async () => {
    const { scores } = await onTiny(tinyAtlas(), { n_min_markers: 0 });
    const count = scores.findIndex(Number.isNaN);
    expect(count).toBeGreaterThan(2);
    expect(scores.subarray(count).every(Number.isNaN)).toBe(true);
  });

  it('can do with a class of one cell', async () => {
    const data = tinyAtlas();
    const { train } = tinySplit(data);
    const codes = new Int32Array(data.X.rows).map((_, i) => Number(i % 3 === 1));
    codes[train[0]] = 2;
    const columns = { ...data.obs.columns, type: { kind: 'category', codes, categories: ['a', 'b', 'lone'] } as const };
    expect((await onTiny({ ...data, obs: { ...data.obs, columns } })).genes.length).toBe(40);
  });

  it('gives the same panel for cells in dense rows', async () => {
    const data = tinyAtlas();
    const values = new Float32Array(data.X.rows * data.X.cols);
    const { X } = takeCells(
      data,
      Uint32Array.from({ length: data.X.rows }, (_, i) => i),
    );
    if (X.kind !== 'csr') throw new Error('the tiny atlas is sparse');
    for (let i = 0; i < X.rows; i++) for (let p = X.indptr[i]; p < X.indptr[i + 1]; p++) values[i * X.cols + X.indices[p]] = X.data[p];
    const dense: Dataset = { ...data, X: { kind: 'dense', rows: X.rows, cols: X.cols, data: values } };
    expect(await onTiny(dense)).toEqual(await onTiny(data));
  });

  it('wants log values to find the most variable genes', async () => {
    const data: Dataset = { ...tinyAtlas(), scale: 'scaled' };
    await expect(onTiny(data, { genes: 30 })).rejects.toMatchObject({ code: 'DATA' });
  });

  // Two of our own seeds share 34 to 36 (Zeisel) and 29 or 30 genes of 50, the reference run twice 30; random panels share 1 and 3.
  it.skipIf(!hasShared).each([
    ['zeisel', 'cell_class', 28],
    ['pbmc68k_reduced', 'bulk_labels', 25],
  ] as const)('shares genes with the reference on %s', async (name, column, least) => {
    const { data, split } = await goldenSet(name);
    const { panel } = golden(`${name}/spapros.json`).seed0;
    const ours = await panelOn(spapros, { data, split: split(0) }, { column, k: 50 });
    expect(50 - lacking(ours, panel).length).toBeGreaterThanOrEqual(least);
  });

  testGoldenAccuracy(spapros, { method: 'spapros' });
});

describe('trees of a class against the others', () => {
  // Gene 0 marks class 0, gene 1 marks class 1, gene 2 is the same everywhere; no gene tells classes 2 and 3 apart.
  const n = 200;
  const codes = Int32Array.from({ length: n }, (_, i) => i % 4);
  const data = Float32Array.from({ length: 3 * n }, (_, at) => (at % 3 === 2 ? 1 : Number(codes[Math.floor(at / 3)] === at % 3)));
  const options = { trees: 5, maxDepth: 3, trainCells: 1000, testCells: 3000, seed: 1 };
  const grower = new ForestGrower(toCsc({ kind: 'dense', rows: n, cols: 3, data }), codes, 4, options);
  const nothing = (): void => {};

  it('have an F1 of 1 where a gene marks the class, and split by that gene only', async () => {
    const [[best]] = await grower.grow([2, 1, 0], nothing);
    expect(best).toEqual({ f1: 1, kept: Float64Array.of(0, 1, 1, 1), genes: Uint32Array.of(0), shares: Float64Array.of(1) });
  });

  it('name the classes that they cannot keep out', async () => {
    const [, , [best]] = await grower.grow([0, 1, 2], nothing);
    expect([...best.kept]).toEqual([1, 1, 0, 0]);
    expect(best.f1).toBeLessThan(0.9);
  });

  it('come best first, and the same for the same seed', async () => {
    const forests = await grower.grow([0, 1], nothing);
    for (const trees of forests) trees.forEach((tree, t) => t > 0 && expect(tree.f1).toBeLessThanOrEqual(trees[t - 1].f1));
    expect(await grower.grow([1, 0], nothing)).toEqual(forests);
  });
});
