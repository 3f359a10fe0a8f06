import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bootstrapInterval } from '../../stats/bootstrap.ts';
import { chiSquareTail, fisherTail, normalBelow, normalQuantile } from '../../stats/inference-distributions.ts';
import {
  bcaInterval,
  bcaOf,
  cliffsDelta,
  cohenDz,
  commonLanguage,
  hedgesFactor,
  hedgesGz,
  pairedPower,
  pairsNeeded,
} from '../../stats/inference-effects.ts';
import { criticalDifference, rankGroups, rankTest } from '../../stats/inference-ranks.ts';
import { benjaminiHochberg, holm, pairedTest, signedRankTest } from '../../stats/inference.ts';
import { Random } from '../../stats/random.ts';

// test/fixtures/statistics.json was made once with numpy 2.4.6, scipy 1.17.1 and statsmodels 0.15.0 by:
// import json, itertools, numpy as np, scipy.stats as st
// from types import SimpleNamespace
// from scipy.special import gammaln
// from statsmodels.stats.multitest import multipletests
// from statsmodels.stats.power import TTestPower
// r = np.random.default_rng(8)
// out = {}
// def t_of(a, b, q):
//     d = a - b; n = len(d); se = d.std(ddof=1) * np.sqrt(1/n + q); t = d.mean()/se
//     c = st.t.ppf(0.975, n-1) * se
//     return dict(t=t, p=2*st.t.sf(abs(t), n-1), low=d.mean()-c, high=d.mean()+c)
// pairs = []
// for n in (2, 3, 5, 10, 24, 40):
//     b = r.normal(.8, .02, n).round(6); a = (b + r.normal(.012, .015, n)).round(6)
//     s = st.ttest_rel(a, b); ci = s.confidence_interval(.95); d = a - b
//     dz = d.mean()/d.std(ddof=1)
//     w = st.wilcoxon(d, zero_method='wilcox', correction=True, method='exact' if n <= 25 else 'asymptotic')
//     pairs.append(dict(a=a.tolist(), b=b.tolist(), student=dict(t=s.statistic, p=s.pvalue, low=ci.low, high=ci.high), corrected=t_of(a, b, 0.25),
//         wilcoxon=dict(statistic=w.statistic, p=w.pvalue), dz=dz, hedges=(dz*np.exp(gammaln((n-1)/2)-gammaln((n-2)/2))/np.sqrt((n-1)/2)) if n > 2 else None,
//         cliff=np.sign(np.subtract.outer(a, b)).mean(), common=st.norm.cdf(dz)))
// out['pairs'] = pairs
// tied = []
// for d in ([1,2,2,-1,3,0,-2,4,5,1], [0.5,0.5,0.5], [3,-1,0,0,2,2,2,-4,6,7,8,-1], [-1,1,2,-2]):
//     w = st.wilcoxon(d, zero_method='wilcox', correction=True, method='asymptotic'); tied.append(dict(d=d, statistic=w.statistic, p=w.pvalue))
// out['tied'] = tied
// ps = [[.01,.04,.03,.005], [.2,.2,.9,.001,.049,.05,.6], [.5], [1e-9,1e-9,.02,.999,.3,.3,.3]]
// out['many'] = [dict(p=p, holm=multipletests(p, method='holm')[1].tolist(), bh=multipletests(p, method='fdr_bh')[1].tolist()) for p in ps]
// ranks = []
// for N, k, ndec in ((4, 3, 2), (6, 5, 2), (12, 8, 1), (3, 4, 3), (30, 3, 1)):
//     m = (r.normal(.8, .05, (N, k)) + np.linspace(0, .08, k)).round(ndec)
//     x2, p = st.friedmanchisquare(*m.T); F = (N-1)*x2/(N*(k-1)-x2)
//     ranks.append(dict(scores=m.ravel().tolist(), treatments=k, ranks=np.mean([st.rankdata(-row) for row in m], axis=0).tolist(), chiSquare=x2, p=p, f=F, pF=st.f.sf(F, k-1, (k-1)*(N-1))))
// out['ranks'] = ranks
// out['critical'] = [dict(treatments=k, blocks=N, level=l, difference=st.studentized_range.ppf(l, k, np.inf)/np.sqrt(2)*np.sqrt(k*(k+1)/(6*N))) for k, N, l in ((2,10,.95),(3,4,.95),(5,14,.9),(10,30,.95),(24,9,.95))]
// boot = []
// for n, B in ((5, 40), (12, 60), (30, 80)):
//     d = r.gamma(2, .01, n).round(5) - .01; means = r.choice(d, (B, n)).mean(1).round(8)
//     for level in (.95, .8):
//         ci = st.bootstrap((d,), np.mean, n_resamples=0, bootstrap_result=SimpleNamespace(bootstrap_distribution=means, confidence_interval=None, standard_error=None), method='BCa', confidence_level=level, vectorized=True).confidence_interval
//         boot.append(dict(values=d.tolist(), means=means.tolist(), level=level, low=ci.low, high=ci.high))
// out['bca'] = boot
// out['power'] = [dict(effect=e, alpha=a, power=w, n=float(TTestPower().solve_power(effect_size=e, alpha=a, power=w))) for e, a, w in ((.2,.05,.8),(.5,.05,.8),(.8,.05,.8),(1.2,.05,.8),(2,.05,.8),(3,.05,.8),(1,.005,.8),(.5,.05/28,.9),(.05,.05,.8))]
// out['powers'] = [dict(effect=e, n=n, alpha=a, power=float(TTestPower().power(e, n, a))) for e, n, a in ((.5,10,.05),(1,3,.05),(2,4,.01),(.1,200,.05),(3,2,.05))]
// out['tails'] = dict(chi=[dict(x=x, df=d, p=st.chi2.sf(x, d)) for x, d in ((.1,1),(3,2),(14.2,5),(80,7),(30,40),(200,60))], f=[dict(x=x, df1=a, df2=b, p=st.f.sf(x, a, b)) for x, a, b in ((.3,2,3),(4.5,1,1),(2.9,3,12),(25,4,20),(60,2,40),(1.1,9,200))], normal=[dict(x=x, p=st.norm.cdf(x)) for x in (-7.5,-1.96,-.1,0,.7,3.1)])
// def clean(o):
//     if isinstance(o, dict): return {k: clean(v) for k, v in o.items()}
//     if isinstance(o, (list, tuple)): return [clean(v) for v in o]
//     return o.item() if hasattr(o, 'item') else o
// json.dump(clean(out), open('test/fixtures/statistics.json', 'w')); print(len(json.dumps(clean(out))))

const fixtures = JSON.parse(readFileSync('test/fixtures/statistics.json', 'utf8'));

/** Equal to a relative 1e-6. */
function near(found: number, wanted: number, relative = 1e-6): void {
  expect(Math.abs(found - wanted), `${found} is not ${wanted}`).toBeLessThanOrEqual(relative * Math.abs(wanted) + 1e-300);
}
const less = (a: number[], b: number[]): number[] => a.map((x, i) => x - b[i]);

describe('tests of pairs are as scipy says', () => {
  test.each(fixtures.pairs as any[])('of $a.length pairs', ({ a, b, student, corrected, wilcoxon, dz, hedges, cliff, common }) => {
    const d = less(a, b);
    for (const [wanted, testToLearning] of [
      [student, 0],
      [corrected, 0.25],
    ]) {
      const found = pairedTest(d, { testToLearning });
      for (const what of ['t', 'p', 'low', 'high'] as const) near(found[what], wanted[what]);
    }
    const ranked = signedRankTest(d);
    near(ranked.statistic, wilcoxon.statistic);
    near(ranked.p, wilcoxon.p);
    expect(ranked.isExact).toBe(a.length <= 25);
    near(cohenDz(d), dz);
    if (hedges === null) expect(hedgesGz(d)).toBeNaN();
    else near(hedgesGz(d), hedges);
    near(cliffsDelta(a, b), cliff);
    near(commonLanguage(d), common);
  });

  test.each(fixtures.tied as any[])('of ties and zeros: $d', ({ d, statistic, p }) => {
    const found = signedRankTest(d);
    near(found.statistic, statistic);
    near(found.p, p);
    expect(found.isExact).toBe(false);
  });

  test('say nothing of one pair, nor of differences that are all 0', () => {
    expect(pairedTest([0.3])).toMatchObject({ t: Number.NaN, p: Number.NaN, low: Number.NaN, high: Number.NaN });
    expect(pairedTest([0, 0, 0]).p).toBeNaN();
    expect(signedRankTest([0, 0]).p).toBeNaN();
    expect(pairedTest([0.1, 0.1]).p).toBeLessThan(1e-9);
  });

  test('the corrected test finds less than chance would let it, where Student finds far too much', () => {
    // Divisions of the same cells: 200 cells with a difference that is 0 on average, of which each division tests a fifth.
    const random = Random.of(4, 'resampled');
    let [plain, corrected] = [0, 0];
    for (let round = 0; round < 400; round++) {
      const cells = Float64Array.from({ length: 200 }, () => random.normal());
      const differences = Array.from({ length: 10 }, () => {
        const tested = random.permutation(200).subarray(0, 40);
        return tested.reduce((sum, i) => sum + cells[i], 0) / 40;
      });
      if (pairedTest(differences).p < 0.05) plain++;
      if (pairedTest(differences, { testToLearning: 0.25 }).p < 0.05) corrected++;
    }
    expect(plain / 400).toBeGreaterThan(0.15);
    expect(corrected / 400).toBeLessThan(0.08);
  });
});

describe('corrections for many tests are as statsmodels says', () => {
  test.each(fixtures.many as any[])('of $p', (wanted) => {
    holm(wanted.p).forEach((p, i) => near(p, wanted.holm[i]));
    benjaminiHochberg(wanted.p).forEach((p, i) => near(p, wanted.bh[i]));
  });

  test('what has no p-value does not count', () => {
    expect([...holm([0.01, Number.NaN, 0.04])]).toEqual([0.02, Number.NaN, 0.04]);
    expect([...benjaminiHochberg([Number.NaN, 0.04])]).toEqual([Number.NaN, 0.04]);
  });
});

describe('tests of ranks are as scipy says', () => {
  test.each(fixtures.ranks as any[])('of $treatments treatments', (wanted) => {
    const found = rankTest(Float64Array.from(wanted.scores), wanted.treatments);
    for (const what of ['chiSquare', 'p', 'f', 'pF'] as const) near(found[what], wanted[what]);
    found.ranks.forEach((rank, i) => near(rank, wanted.ranks[i]));
  });

  test('blocks that all agree have the p-value of that order by chance', () => {
    expect(rankTest(Float64Array.of(3, 2, 1, 9, 8, 7, 6, 5, 4), 3).pF).toBeCloseTo(1 / 36, 12);
  });

  test.each(fixtures.critical as any[])(
    'the critical difference of $treatments in $blocks blocks',
    ({ treatments, blocks, level, difference }) => {
      near(criticalDifference(treatments, blocks, level), difference);
    },
  );

  test('groups hold what lies within the critical difference, none inside another', () => {
    expect(rankGroups([1, 3.2, 1.5, 2.2, 5], 1.2)).toEqual([
      [0, 2],
      [2, 3],
      [3, 1],
    ]);
    expect(rankGroups([2, 1, 3], 5)).toEqual([[1, 0, 2]]);
    expect(rankGroups([1, 3, 5], 1)).toEqual([]);
  });
});

describe('intervals', () => {
  test.each(fixtures.bca as any[])('BCa of $values.length values at $level is as scipy says', ({ values, means, level, low, high }) => {
    const found = bcaOf(values, means, level);
    near(found.low, low);
    near(found.high, high);
  });

  test('the same seed draws the same; BCa leans towards the long tail', () => {
    const random = Random.of(1, 'long tail');
    const values = Array.from({ length: 30 }, () => random.gumbel() ** 2);
    expect(bcaInterval(values, { seed: 3 })).toEqual(bcaInterval(values, { seed: 3 }));
    expect(bcaInterval(values, { seed: 3 })).not.toEqual(bcaInterval(values, { seed: 4 }));
    expect(bcaInterval(values).high).toBeGreaterThan(bootstrapInterval(values).high);
    expect(bcaInterval([1])).toEqual({ low: Number.NaN, high: Number.NaN });
    expect(bcaInterval([2, 2, 2])).toEqual({ low: 2, high: 2 });
  });
});

describe('power is as statsmodels says', () => {
  test.each(fixtures.power as any[])('pairs needed for $effect at $alpha', ({ effect, alpha, power, n }) => {
    expect(Math.abs(pairsNeeded(effect, { alpha, power }) - n)).toBeLessThan(1e-3);
  });

  test.each(fixtures.powers as any[])('power of $n pairs for $effect', ({ effect, n, alpha, power }) => {
    near(pairedPower(effect, n, { alpha }), power);
  });

  test('divisions of the same cells never tell a small difference', () => {
    expect(pairsNeeded(1, { testToLearning: 0.25 })).toBe(Number.POSITIVE_INFINITY);
    expect(pairsNeeded(0)).toBe(Number.POSITIVE_INFINITY);
    expect(pairsNeeded(Number.NaN)).toBe(Number.POSITIVE_INFINITY);
    const n = pairsNeeded(2, { testToLearning: 0.25 });
    expect(n).toBeGreaterThan(pairsNeeded(2));
    expect(pairedPower(2, n, { testToLearning: 0.25 })).toBeCloseTo(0.8, 6);
  });
});

describe('distributions are as scipy says', () => {
  test('chi-square, F and the normal', () => {
    for (const { x, df, p } of fixtures.tails.chi) near(chiSquareTail(x, df), p);
    for (const { x, df1, df2, p } of fixtures.tails.f) near(fisherTail(x, df1, df2), p);
    for (const { x, p } of fixtures.tails.normal) {
      near(normalBelow(x), p);
      expect(normalQuantile(p)).toBeCloseTo(x, 6);
    }
    expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(hedgesFactor(1)).toBeNaN();
  });
});
