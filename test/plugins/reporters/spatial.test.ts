import sharp from 'sharp';
import { expect, test } from 'vitest';
import spatial from '../../../plugins/reporters/spatial.ts';
import type { Gathered, Metrics, ReportFile } from '../../../plugins/contract.ts';
import type { Prediction, SpatialReporterInputs } from '../../../plugins/spatial-contract.ts';
import { testContext } from '../../kit/tiny-atlas.ts';

const SPOTS = 40;
const GENES = ['Alpha', 'Beta', 'Gamma', 'Delta'];

interface Wanted {
  readonly ways?: readonly string[];
  readonly primaries?: readonly number[];
  readonly orders?: readonly string[];
  readonly name?: string;
}

/** Two sections of spots on a grid; the best way predicts what was measured, with a little noise. */
async function madeUp({
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

async function files(
  inputs: SpatialReporterInputs,
  missing: Record<string, readonly Record<string, string | number>[]> = {},
): Promise<Map<string, string>> {
  const { outputs } = await spatial.run({ ...testContext(), missing }, inputs as never, spatial.params.parse({}));
  return new Map((outputs.files as readonly ReportFile[]).map((f) => [f.name, new TextDecoder().decode(f.bytes)]));
}

const prose = (text: string): string => text.replace(/<style>.*?<\/style>|<script>.*?<\/script>|<[^>]+>/gs, ' ').replace(/\s+/g, ' ');

test('names the best way, and says whether that is sure', async () => {
  const made = await files(await madeUp());
  const text = prose(made.get('report.html')!);
  expect(text).toContain('By the mean Pearson correlation over 2 genes, dkgsb comes first (0.618 ± 0.015). That is sure');
  expect(text).toContain('Alpha (0.618)');
  const near = await madeUp({ ways: ['dkgsb'], orders: ['hvg', 'random'] });
  expect(prose((await files(near)).get('report.html')!)).toContain("On four folds it can't be told apart from dkgsb, random order");
});

test('shows each gene on the tissue as measured and as predicted, and how the learned k went', async () => {
  const text = (await files(await madeUp())).get('report.html')!;
  for (const file of ['map-Alpha-A-measured', 'map-Alpha-B-predicted-by-dkgsb', 'map-Beta-A-predicted-by-pgl', 'tissue-A', 'curve-k'])
    expect(text, file).toContain(`download="${file}.csv"`);
  expect(text.match(/<image href="data:image\/jpeg/g)!.length).toBe(2 + 2 * 2 * 3);
  const at = /download="map-Alpha-A-predicted-by-dkgsb\.csv" href="data:text\/csv;charset=utf-8;base64,([^"]+)"/.exec(text)![1];
  const rows = Buffer.from(at, 'base64').toString().trim().split('\n').slice(1);
  // Every spot of the section was tested once, and the made-up prediction is the measured value.
  expect(rows.map((row) => Number(row.split(',')[2]))).toEqual(
    Array.from({ length: 20 }, (_, i) => Number(Math.fround(Math.sin(4 * i * 1.7) + 1).toPrecision(4))),
  );
  expect(text.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/(?:src|href)="(?!#|data:)|url\(|@import|http:/);
});

test('gives tables by fold and by gene', async () => {
  const made = await files(await madeUp({ primaries: [2, 4] }));
  expect(made.get('metrics.csv')!.split('\n')[0]).toBe('predictor,primary,order,fold,seed,metric,value');
  expect(made.get('metrics.csv')!.trim().split('\n')).toHaveLength(1 + 3 * 2 * 4 * 4);
  expect(made.get('genes.csv')!.split('\n')[1]).toBe('mean,2,hvg,0,0,Alpha,pcc,0');
  expect(made.get('summary.csv')).toContain('dkgsb,4,hvg,pcc,4,');
  expect([...made.keys()].filter((name) => name.endsWith('.parquet'))).toEqual(['metrics.parquet', 'genes.parquet', 'summary.parquet']);
  expect(prose(made.get('report.html')!)).toContain('4 primary genes');
});

test('lists folds without a result, and keeps names harmless', async () => {
  const evil = '<script>alert(1)</script>"';
  const inputs = await madeUp({ name: evil });
  const text = (await files(inputs, { metrics: [{ predictor: 'pgl', fold: 9 }] })).get('report.html')!;
  expect(prose(text)).toContain('1 cell without a result.');
  expect(text.match(/<script/g)).toHaveLength(1);
});
