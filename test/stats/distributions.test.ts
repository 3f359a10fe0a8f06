import { describe, expect, it } from 'vitest';
import { logGamma, logNormalP, logStudentP } from '../../stats/distributions.ts';

const near = (own: number, reference: number): void => expect(Math.abs(own / reference - 1)).toBeLessThan(1e-9);

describe('distributions', () => {
  it('gives the log-gamma of scipy', () => {
    near(logGamma(0.3), 1.0957979948180756);
    near(logGamma(10.5), 13.940625219403763);
    near(logGamma(1234.5), 7550.550901077894);
  });

  it('gives the two-sided normal p-values of scipy, also where p underflows', () => {
    near(Math.exp(logNormalP(0.5)), 0.6170750774519738);
    near(Math.exp(logNormalP(-1.96)), 0.04999579029644087);
    near(Math.exp(logNormalP(6)), 1.973175290075389e-9);
    near(logNormalP(50), -1254.13821395886);
  });

  it('gives the two-sided p-values of Student t of scipy', () => {
    near(Math.exp(logStudentP(2, 10)), 0.07338803477074037);
    near(Math.exp(logStudentP(0.1, 3.7)), 0.9255252674701903);
    near(Math.exp(logStudentP(-8, 55.5)), 8.20870205629209e-11);
  });
});
