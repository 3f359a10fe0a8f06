import { describe, expect, it } from 'vitest';
import { labels } from '../../data/dataset.ts';
import { type DenseMatrix, toCsc } from '../../data/matrix.ts';
import { cosg } from '../../stats/cosg.ts';
import { type ClassTests, type LabelledColumns, oneVsRestRanking, welch, wilcoxon } from '../../stats/differential.ts';
import { goldenSet } from '../kit/golden-set.ts';
import { golden, hasShared } from '../kit/shared-data.ts';

const NAMES = ['A', 'B', 'C'];

function unit(): { input: LabelledColumns; reference: any } {
  const reference = golden('unit/de_units.json');
  const data = Float32Array.from(reference.X.flat());
  const X: DenseMatrix = { kind: 'dense', rows: reference.X.length, cols: reference.X[0].length, data };
  return {
    reference,
    input: { matrix: toCsc(X), codes: Int32Array.from(reference.labels, (l: string) => NAMES.indexOf(l)), classCount: 3 },
  };
}

function compare({ scores, logP, geneCount }: ClassTests, reference: any, withP: boolean): void {
  NAMES.forEach((name, c) => {
    const { names, scores: expected, pvals } = reference[name];
    names.forEach((gene: string, i: number) => {
      const at = c * geneCount + Number(gene.slice(1));
      expect(scores[at], `${name} ${gene}`).toBeCloseTo(expected[i], 5);
      if (withP) expect(Math.exp(logP[at])).toBeCloseTo(pvals[i], 5);
    });
  });
}

describe.skipIf(!hasShared)('one class against the rest', () => {
  it('gives the scores and p-values of scanpy on a small table', () => {
    const { input, reference } = unit();
    compare(welch(input), reference['t-test'], true);
    compare(welch(input, { overestimate: true }), reference['t-test_overestim_var'], true);
    compare(wilcoxon(input), reference.wilcoxon, true);
    compare(wilcoxon(input, { tieCorrect: true }), reference.wilcoxon_tie, true);
  });

  it('gives the scores of COSG on a small table', () => {
    const { input, reference } = unit();
    const options = { removeLowlyExpressed: false, expressedPct: 0.1 };
    compare(cosg(input, { ...options, mu: 1 }), reference.cosg_mu1, false);
    compare(cosg(input, { ...options, mu: 10 }), reference.cosg_mu10, false);
  });

  it('gives the scores of scanpy on Zeisel', async () => {
    const { data } = await goldenSet('zeisel');
    const { codes, classes } = labels(data.obs, 'cell_class');
    const input = { matrix: toCsc(data.X), codes, classCount: classes.length };
    const reference = golden('zeisel/rgg.json');
    const tests = { 't-test': welch(input), wilcoxon: wilcoxon(input), wilcoxon_tie: wilcoxon(input, { tieCorrect: true }) };
    for (const [name, { scores, geneCount }] of Object.entries(tests)) {
      classes.forEach((label, c) => {
        const expected: number[] = reference[name].groups[label].scores_every37th_gene;
        expected.forEach((value, i) =>
          expect(Math.abs(scores[c * geneCount + 37 * i] - value)).toBeLessThan(3e-4 * Math.max(1, Math.abs(value))),
        );
      });
    }
  });
});

describe('oneVsRestRanking', () => {
  const tests: ClassTests = {
    classCount: 2,
    geneCount: 4,
    scores: Float64Array.of(9, 5, 1, 0, 8, 2, 7, 0),
    logP: Float64Array.of(-9, -5, -1, 0, -8, -2, -7, 0),
  };

  it('lets the classes take turns, skips genes already taken, and ranks every gene once', () => {
    expect([...oneVsRestRanking(tests, 'p').genes]).toEqual([0, 2, 1, 3]);
    expect([...oneVsRestRanking(tests, 'score').scores]).toEqual([9, 7, 5, 0]);
  });
});
