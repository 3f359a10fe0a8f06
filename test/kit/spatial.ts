import sharp from 'sharp';
import type { Gathered, Metrics } from '../../plugins/contract.ts';
import type { Prediction, SpatialReporterInputs } from '../../plugins/spatial-contract.ts';

const SPOTS = 40;
const GENES = ['Alpha', 'Beta', 'Gamma', 'Delta'];

interface Wanted {
  readonly ways?: readonly string[];
  readonly primaries?: readonly number[];
  readonly orders?: readonly string[];
  readonly name?: string;
}

/** Two sections of spots on a grid; the best way predicts what was measured, with a little noise. */
/** A small gathered spatial run, the same each time. */
export async function madeUpSpatial({
  ways = ['mean', 'pgl', 'dkgsb'],
  primaries = [2],
  orders = ['hvg'],
  name = 'A',
}: Wanted = {}): Promise<SpatialReporterInputs> {
  const bytes = new Uint8Array(
    await sharp({ create: { width: 300, height: 200, channels: 3, background: '#c8a0c0' } })
      .png()
      .toBuffer(),
  );
  const truth = Float32Array.from({ length: SPOTS * GENES.length }, (_, i) => Math.sin(i * 1.7) + 1);
  const index = Array.from({ length: SPOTS }, (_, i) => `${i % 8}x${Math.floor(i / 8)}`);
  const data: SpatialReporterInputs['data'] = {
    X: { kind: 'dense', rows: SPOTS, cols: GENES.length, data: truth },
    scale: 'log',
    layers: {},
    obs: {
      index,
      columns: {
        section: { kind: 'category', codes: Int32Array.from({ length: SPOTS }, (_, i) => Number(i >= 20)), categories: [name, 'B'] },
      },
    },
    var: { index: GENES, columns: {} },
    obsm: {
      spatial: {
        kind: 'dense',
        rows: SPOTS,
        cols: 2,
        data: Float32Array.from({ length: 2 * SPOTS }, (_, i) =>
          i % 2 === 0 ? 40 + 30 * ((i >> 1) % 8) : 40 + 30 * Math.floor((i >> 1) / 8),
        ),
      },
    },
    uns: {},
  };
  const metrics: Gathered<Metrics>[] = [];
  const predictions: Gathered<Prediction>[] = [];
  for (const predictor of ways)
    for (const primary of primaries)
      for (const order of orders)
        for (const fold of [0, 1, 2, 3]) {
          const cell = { predictor, primary, order, fold, seed: 0 };
          const rows = Uint32Array.from({ length: 10 }, (_, i) => 4 * i + fold);
          const genes = Uint32Array.from({ length: primary }, (_, g) => g);
          const pcc = predictor === 'mean' ? 0 : predictor === 'pgl' ? 0.3 + 0.01 * fold : 0.6 + 0.012 * fold * (order === 'hvg' ? 1 : -1);
          metrics.push({
            cell,
            value: {
              values: { pcc, spearman: pcc, mse: 1 - pcc, mae: 1 - pcc },
              genes: { columns: genes, values: { pcc: Float32Array.from(genes, (g) => pcc - 0.1 * g) } },
            },
          });
          const values = Float32Array.from(
            { length: rows.length * primary },
            (_, i) => truth[rows[Math.floor(i / primary)] * GENES.length + (i % primary)],
          );
          const curves = predictor === 'dkgsb' ? { k: Float64Array.of(2, 2, 1), loss: Float64Array.of(1, 0.8, 0.7) } : undefined;
          predictions.push({ cell, value: { genes, rows, values, ...(curves ? { curves } : {}) } });
        }
  const section = (of: string, at: number) => ({
    name: of,
    spots: index.slice(20 * at, 20 * at + 20),
    picture: { kind: 'image', bytes, width: 300, height: 200 } as const,
    micronsPerPixel: 1,
    spotDiameter: 15,
  });
  return { metrics, predictions, data, tissue: { sections: [section(name, 0), section('B', 1)] } };
}
