/** A metric as people read it: three decimals up to 10, fewer digits after the point for larger ones. */
export function show(x: number): string {
  if (Number.isNaN(x)) return '–';
  const size = Math.abs(x);
  if (!Number.isFinite(x)) return x > 0 ? '∞' : '−∞';
  if (size !== 0 && (size < 0.0005 || size >= 1e6)) return minus(x.toExponential(1));
  return minus(x.toFixed(size < 10 ? 3 : size < 1000 ? 1 : 0));
}

/** A standard deviation with the digits of its mean. */
export const showSd = (mean: number, sd: number): string =>
  Math.abs(mean) >= 0.0005 && sd < 0.0005 ? (sd === 0 ? '0.000' : '<0.001') : show(sd);

/** "0.948 ± 0.004", or the mean alone where there is no spread. */
export const showSpread = (mean: number, sd: number): string => (Number.isNaN(sd) ? show(mean) : `${show(mean)} ± ${showSd(mean, sd)}`);

/** A share as a percentage. */
export const percent = (share: number): string => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)} %`;

/** A whole number with thin gaps between thousands. */
export const whole = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, '\u202F');

/** "a, b and c". */
export function list(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** "1 seed", "3 seeds". */
export const counted = (n: number, noun: string): string => `${whole(n)} ${noun}${n === 1 ? '' : 's'}`;

const WORDS = 'no one two three four five six seven eight nine ten eleven twelve'.split(' ');

/** "three seeds", "14 seeds". */
export const spelled = (n: number, noun: string): string => `${WORDS[n] ?? whole(n)} ${noun}${n === 1 ? '' : 's'}`;

/** A p-value: "0.03", "< 0.001". */
export const showP = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(p < 0.0995 ? 3 : 2));

/** A difference with its sign and the digits of the values that it is of: "+0.012", "−0.200", "0.000". */
export function showDifference(x: number, of: number): string {
  if (Math.abs(of) >= 0.0005 && Math.abs(x) < 0.0005) return '0.000';
  return x > 0 ? `+${show(x)}` : show(x);
}

const minus = (text: string): string => text.replace('-', '−');
