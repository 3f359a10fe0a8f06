import { Random } from '../stats/random.ts';
import { geneNames, MITOCHONDRIAL } from './gene-names.ts';

/** Settings of a simulated atlas. */
export interface Atlas {
  readonly cells: number;
  readonly genes: number;
  /** Cell types, and subtypes of each. */
  readonly types: number;
  readonly subtypes: number;
  /** True markers of each type, and of each subtype. */
  readonly markers: number;
  readonly batches: number;
  /** Mean counts of a cell. */
  readonly counts: number;
  /** Factor on the log fold changes of markers; 1 = clear, 0.5 = hard. */
  readonly separation: number;
  /** Chance that a weakly expressed count is lost. */
  readonly dropout: number;
  readonly seed: number;
}

/** Markers of one column, all together and class by class. */
export interface Truth {
  readonly markers: readonly string[];
  readonly by_class?: Readonly<Record<string, readonly string[]>>;
}

/** Everything that is fixed before cells are drawn. */
export interface Effects {
  readonly names: readonly string[];
  /** First of the mitochondrial genes, which come last. */
  readonly firstMt: number;
  readonly base: Float64Array;
  readonly dispersion: Float64Array;
  /** Log fold changes, each genes long. */
  readonly group: readonly Float64Array[];
  readonly batch: readonly Float64Array[];
  readonly condition: Float64Array;
  readonly batchDepth: Float64Array;
  readonly ageing: Uint32Array;
  readonly ageSlope: Float64Array;
  readonly typeNames: readonly string[];
  readonly subtypeNames: readonly string[];
  readonly batchNames: readonly string[];
  readonly truth: Readonly<Record<string, Truth>>;
}

const TYPES = [
  'T cells',
  'B cells',
  'Monocytes',
  'NK cells',
  'Dendritic cells',
  'Megakaryocytes',
  'Fibroblasts',
  'Endothelial cells',
  'Epithelial cells',
  'Mast cells',
  'Neurons',
  'Astrocytes',
];

/** Draws genes, markers and effects of an atlas. */
export function design(atlas: Atlas): Effects {
  const { genes, types, subtypes, batches, seed } = atlas;
  const names = geneNames(genes);
  const firstMt = names.findIndex((n) => n === MITOCHONDRIAL[0]);
  const ordinary = firstMt < 0 ? genes : firstMt;
  const typeNames = Array.from({ length: types }, (_, t) => TYPES[t] ?? `Type ${t + 1}`);
  const subtypeNames = typeNames.flatMap((t) => Array.from({ length: subtypes }, (_, s) => `${t} ${s + 1}`));
  const roles = deal(atlas, ordinary);
  const random = Random.of(seed, 'effects');
  const base = Float64Array.from({ length: genes }, (_, j) =>
    j >= ordinary ? Math.exp(0.4 * random.normal()) : Math.exp(1.3 * random.normal()),
  );
  for (const j of [...roles.type.flat(), ...roles.subtype.flat()]) base[j] = 0.25 * Math.exp(0.4 * random.normal());
  const dispersion = Float64Array.from(base, () => 0.25 * Math.exp(0.4 * random.normal()));
  const noise = (sd: number): Float64Array => Float64Array.from({ length: genes }, (_, j) => (j < ordinary ? sd * random.normal() : 0));
  const group = subtypeNames.map((_, g) => {
    const effect = noise(0.12);
    for (const j of [...roles.type[Math.floor(g / subtypes)], ...roles.subtype[g]])
      effect[j] = atlas.separation * (2 + 0.8 * random.uniform());
    return effect;
  });
  const condition = new Float64Array(genes);
  for (const j of roles.condition) condition[j] = (random.below(2) ? 1 : -1) * (0.8 + 0.6 * random.uniform());
  const named = (list: readonly number[]): string[] => [...list].sort((a, b) => a - b).map((j) => names[j]);
  return {
    names,
    firstMt: ordinary,
    base,
    dispersion,
    group,
    batch: Array.from({ length: batches }, () => noise(0.15)),
    condition,
    batchDepth: Float64Array.from({ length: batches }, () => Math.exp(0.15 * random.normal())),
    ageing: Uint32Array.from(roles.age),
    ageSlope: Float64Array.from(roles.age, () => (random.below(2) ? 1 : -1) * (0.5 + 0.3 * random.uniform())),
    typeNames,
    subtypeNames,
    batchNames: Array.from({ length: batches }, (_, b) => `batch${b + 1}`),
    truth: {
      cell_type: { markers: named(roles.type.flat()), by_class: byClass(typeNames, roles.type, named) },
      cell_subtype: {
        markers: named([...roles.type.flat(), ...roles.subtype.flat()]),
        by_class: byClass(subtypeNames, roles.subtype, named),
      },
      condition: { markers: named(roles.condition) },
      age_days: { markers: named(roles.age) },
    },
  };
}

function byClass(
  classes: readonly string[],
  roles: readonly number[][],
  named: (list: readonly number[]) => string[],
): Record<string, string[]> {
  return Object.fromEntries(classes.map((name, c) => [name, named(roles[c])]));
}

interface Roles {
  readonly type: number[][];
  readonly subtype: number[][];
  readonly condition: number[];
  readonly age: number[];
}

/** Deals genes to roles without overlap: markers of types and subtypes, then 4 % for the condition and 3 % for age. */
function deal({ seed, types, subtypes, markers }: Atlas, ordinary: number): Roles {
  const order = Array.from(Random.of(seed, 'roles').permutation(ordinary));
  const take = (n: number): number[] => order.splice(0, n);
  return {
    type: Array.from({ length: types }, () => take(markers)),
    subtype: Array.from({ length: types * subtypes }, () => (subtypes > 1 ? take(markers) : [])),
    condition: take(Math.max(1, Math.round(0.04 * ordinary))),
    age: take(Math.max(1, Math.round(0.03 * ordinary))),
  };
}

/** Expected share of each gene in a cell of this mixture; ordinary and mitochondrial genes each add up to 1. */
export function groupProfile(effects: Effects, group: number, batch: number, condition: number): Float64Array {
  const { base, firstMt } = effects;
  const out = Float64Array.from(
    base,
    (b, j) => b * Math.exp(effects.group[group][j] + effects.batch[batch][j] + condition * effects.condition[j]),
  );
  const sums = [0, 0];
  out.forEach((v, j) => (sums[j < firstMt ? 0 : 1] += v));
  return out.map((v, j) => v / sums[j < firstMt ? 0 : 1]);
}
