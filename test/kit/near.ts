/** Largest relative difference of two lists (absolute, in units of `floor`, for values below it); null, NaN and the words "inf" and "-inf" must stand at the same places. */
export function farthest(found: ArrayLike<number>, expected: ArrayLike<number | string | boolean | null>, floor = 1e-3): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < found.length; i++) {
    const e = expected[i];
    const want = e === null ? Number.NaN : e === 'inf' ? Number.POSITIVE_INFINITY : e === '-inf' ? Number.NEGATIVE_INFINITY : Number(e);
    const have = found[i];
    if (Object.is(have, want) || have === want) continue;
    const d = Math.abs(have - want) / Math.max(floor, Math.abs(want));
    worst = Math.max(worst, Number.isNaN(d) ? Number.POSITIVE_INFINITY : d);
  }
  return worst;
}
