/** Names made unique as anndata does: the second "A" becomes "A-1", and so on; `renamed` counts the changed ones. */
export function makeUnique(names: readonly string[]): { readonly names: readonly string[]; readonly renamed: number } {
  const taken = new Set(names);
  if (taken.size === names.length) return { names, renamed: 0 };
  const seen = new Set<string>();
  const counter = new Map<string, number>();
  let renamed = 0;
  const unique = names.map((name) => {
    if (!seen.has(name)) {
      seen.add(name);
      return name;
    }
    renamed++;
    let n = counter.get(name) ?? 0;
    let candidate: string;
    do candidate = `${name}-${++n}`;
    while (taken.has(candidate));
    counter.set(name, n);
    taken.add(candidate);
    return candidate;
  });
  return { names: unique, renamed };
}
