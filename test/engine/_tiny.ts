/** A benchmark of seconds on the two tables below, which lie in the bucket `panelflow`. */
export const tinyFile = (name: string): string => `pipeline: benchmark
name: ${name}
params:
  data: { uses: file, with: { path: s3://panelflow/data/cells.csv, obs_file: s3://panelflow/data/obs.csv } }
  tasks: [type]
  qc: { min_genes: 1, min_cells: 1, min_class_cells: 2 }
  seeds: [0]
  k: [2]
  selectors: [random, t-test]
  evaluators: [knn]
`;

/** data/cells.csv: counts of 60 cells, six genes. */
export const TINY_CELLS = [
  'cell,G0,G1,G2,G3,G4,G5',
  ...Array.from({ length: 60 }, (_, i) => [`c${i}`, ...Array.from({ length: 6 }, (__, g) => (i * 7 + g * 3 + (i % 2) * g) % 9)].join(',')),
].join('\n');

/** data/obs.csv: two types, turn by turn. */
export const TINY_OBS = ['cell,type', ...Array.from({ length: 60 }, (_, i) => `c${i},${i % 2 ? 'A' : 'B'}`)].join('\n');
