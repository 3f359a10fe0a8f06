const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400 };
const BYTES: Readonly<Record<string, number>> = { MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

/** "90s", "30m", "4h", "2d" in milliseconds; NaN where it is no such text. */
export function milliseconds(text: string): number {
  const [, number, unit] = /^([\d.]+)\s*([a-z]+)$/.exec(text) ?? [];
  return Number(number) * (SECONDS[unit] ?? Number.NaN) * 1000;
}

/** "500 MB", "8 GB" in bytes; NaN where it is no such text. */
export function bytes(text: string): number {
  const [, number, unit] = /^([\d.]+)\s*([A-Z]+)$/.exec(text) ?? [];
  return Number(number) * (BYTES[unit] ?? Number.NaN);
}

/** A count and its noun: "1 cell", "3 cells". */
export const plural = (n: number, noun: string): string => `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;
