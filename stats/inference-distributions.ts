import { logGamma, logNormalP } from './distributions.ts';

/** Share of a standard normal at or below x. */
export function normalBelow(x: number): number {
  if (x > 9) return 1;
  const tail = 0.5 * Math.exp(logNormalP(x));
  return x < 0 ? tail : 1 - tail;
}

/** The x that a share `p` of a standard normal lies below; infinite for 0 and 1. */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  if (p === 0) return Number.NEGATIVE_INFINITY;
  const target = Math.log(2 * p);
  return -bisect((x) => logNormalP(x) < target, 0, 40);
}

/** Where `isPast` turns from false to true, between low >= 0 and high, to a relative precision. */
export function bisect(isPast: (x: number) => boolean, low: number, high: number, relative = 1e-13): number {
  for (let step = 0; step < 80 && high - low > relative * high; step++) {
    const middle = (low + high) / 2;
    if (isPast(middle)) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

/**
 * Share of chi-square above x: the regularised upper incomplete gamma function Q(df/2, x/2), by its series (DLMF 8.7.1) below the
 * mean and its continued fraction (DLMF 8.9.2), from the far end, above.
 */
export function chiSquareTail(x: number, df: number): number {
  const [a, z] = [df / 2, x / 2];
  if (z <= 0) return 1;
  const front = Math.exp(a * Math.log(z) - z - logGamma(a));
  if (z < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; term > 1e-17 * sum; n++) {
      term *= z / (a + n);
      sum += term;
    }
    return 1 - front * sum;
  }
  const depth = 400;
  let f = z + 2 * depth + 1 - a;
  for (let n = depth; n >= 1; n--) f = z + 2 * n - 1 - a - (n * (n - a)) / f;
  return front / f;
}

/** Parts of the density below e^-80 of its peak are left out. */
const REACH = 80;

/**
 * Mean of g(s), s^2 = chi-square / df: what turns a law of known variance into one of estimated variance. By the trapezoid rule over
 * log s, where the density falls off at both ends and the rule converges faster than any power of its step.
 */
export function meanOverChi(df: number, g: (s: number) => number): number {
  const centre = Math.LN2 + (df / 2) * Math.log(df / 2) - logGamma(df / 2);
  const low = -REACH / df - 0.5;
  const high = Math.min(Math.sqrt(REACH / df), 0.5 * Math.log(2 * (REACH / df + 4)));
  const steps = Math.ceil((high - low) / (0.1 / Math.sqrt(Math.max(1, df / 4))));
  const width = (high - low) / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const u = low + i * width;
    const s = Math.exp(u);
    const density = Math.exp(centre + df * u - (df / 2) * s * s);
    if (density > 0) sum += density * g(s);
  }
  return sum * width;
}

/** Share of Fisher's F above x: chi-square over a second, independent one. */
export function fisherTail(x: number, df1: number, df2: number): number {
  if (x <= 0) return 1;
  return meanOverChi(df2, (s) => chiSquareTail(df1 * x * s * s, df1));
}

/** Share of |T| above `critical`, where T is Student's t with non-centrality `shift`: the power of a two-sided t test. */
export function shiftedStudentTail(critical: number, df: number, shift: number): number {
  return meanOverChi(df, (s) => normalBelow(shift - critical * s) + normalBelow(-shift - critical * s));
}

/** Share of ranges of `groups` standard normals at or below q (Tukey's studentised range at infinite degrees of freedom). */
export function rangeBelow(q: number, groups: number): number {
  const width = 0.05;
  let sum = 0;
  for (let z = -9; z <= 9; z += width) sum += Math.exp(-0.5 * z * z) * Math.max(0, normalBelow(z) - normalBelow(z - q)) ** (groups - 1);
  return (groups * width * sum) / Math.sqrt(2 * Math.PI);
}

/** The range that a share `level` of ranges of `groups` standard normals stays below. */
export function rangeQuantile(level: number, groups: number): number {
  return bisect((q) => rangeBelow(q, groups) > level, 0, 30);
}
