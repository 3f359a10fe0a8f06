/** A copy of params in which texts, at any depth, stand as `replacement` says; undefined leaves a text as it is. */
export function replaceTexts<T>(value: T, replacement: (text: string) => string | undefined): T {
  const visit = (v: unknown): unknown => {
    if (typeof v === 'string') return replacement(v) ?? v;
    if (Array.isArray(v)) return v.map(visit);
    if (v === null || typeof v !== 'object') return v;
    return Object.fromEntries(Object.entries(v).map(([key, inner]) => [key, visit(inner)]));
  };
  return visit(value) as T;
}
