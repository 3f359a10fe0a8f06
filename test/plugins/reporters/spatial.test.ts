import { expect, test } from 'vitest';
import spatial from '../../../plugins/reporters/spatial.ts';
import type { ReportFile } from '../../../plugins/contract.ts';
import type { SpatialReporterInputs } from '../../../plugins/spatial-contract.ts';
import { madeUpSpatial as madeUp } from '../../kit/spatial.ts';
import { testContext } from '../../kit/tiny-atlas.ts';

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
