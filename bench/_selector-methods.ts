import builtin from '../plugins/index.ts';

/** A selector with the params that the reference gets too. */
export interface Method {
  readonly id: string;
  readonly given: Readonly<Record<string, unknown>>;
  /** The reference cannot take a larger set in a sensible time or memory. */
  readonly smallOnly?: true;
}

const method = (id: string, given: Method['given'] = {}, rest: Pick<Method, 'smallOnly'> = {}): Method => ({ id, given, ...rest });

const METHODS: readonly Method[] = [
  method('hvg-seurat'),
  method('hvg-cell-ranger'),
  method('hvg-seurat-v3'),
  method('t-test'),
  method('t-test-overestim-var'),
  method('wilcoxon'),
  method('wilcoxon-tie-correct'),
  method('cosg'),
  method('rankcorr'),
  method('scgenefit', { method: 'centers' }),
  method('scgenefit', { method: 'pairwise_centers', max_constraints: 500 }),
  method('smash'),
  method('mrmr-rf'),
  method('mrmr-f'),
  method('hsic-lasso', { block: 5, permutations: 1 }),
  method('hsic-lasso', { block: 5, permutations: 3 }, { smallOnly: true }),
  method('spapros'),
];

/** What tables call a method: its id and the values of its params. */
export const nameOf = ({ id, given }: Method): string => [id, ...Object.values(given)].join(' ');

/** The methods with these ids, or all; those that are not registered are left out with a line that says so. */
export function chosenMethods(ids: readonly string[]): Method[] {
  const known = new Set(METHODS.map(({ id }) => id));
  const strange = ids.filter((id) => !known.has(id));
  if (strange.length > 0) throw new Error(`${strange.join(', ')}: not a mode nor a method; methods are ${[...known].join(', ')}`);
  const wanted = METHODS.filter(({ id }) => ids.length === 0 || ids.includes(id));
  const missing = wanted.filter(({ id }) => !(id in builtin.contributions.selector));
  for (const m of missing) console.log(`${nameOf(m)}: not registered, left out`);
  return wanted.filter((m) => !missing.includes(m));
}
