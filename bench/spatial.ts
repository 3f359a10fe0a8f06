/**
 * What does auxiliary gene learning cost against the same computation in PyTorch (CPU)? One step of the weights (12 steps of adam on 64 spots,
 * differentiated through: written out here, by autograd there) and one of the network (128 spots), 50 primary and 15,000 auxiliary genes, 1,000
 * spots, 512 features; both sides in turn from the same weights on the same spots, each in a process of its own, least time of all rounds.
 * Run: npm run build && PYTHON=<python with torch> node dist/bench/spatial.js [--rounds 2] [--threads 2]
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { Random } from '../stats/random.ts';
import { TENSOR_ENV } from '../tensor/backend.ts';
import { resultFile } from './_compare.ts';
import { markdown, Table } from './_selector-table.ts';
import { type SpatialSpec, timeSpatial, type Timed } from './_spatial-run.ts';

const self = fileURLToPath(import.meta.url);
const script = fileURLToPath(new URL(self.includes('/dist/') ? '../../bench/spatial.py' : 'spatial.py', import.meta.url));
const SIZE = { spots: 1000, features: 512, primary: 50, auxiliary: 15_000, steps: 12, inner_rate: 3e-5 };
/** Steps of an epoch. */
const EPOCH = { theta: Math.ceil(SIZE.spots / 64), network: Math.ceil(SIZE.spots / 128) };
const HIDDEN: readonly (readonly number[])[] = [[], [32], [512]];

/** Spots and first weights, the same for both sides: features of which expression is a noisy linear map. */
async function writeCase(folder: string, hidden: readonly number[]): Promise<void> {
  const random = Random.of(1, 'spatial');
  const { spots, features, primary, auxiliary } = SIZE;
  const genes = primary + auxiliary;
  const normals = (length: number, scale: number): Float32Array => Float32Array.from({ length }, () => scale * random.normal());
  const x = normals(spots * features, 1);
  const y = normals(spots * genes, 1);
  const parts = normals(genes * 4, 1);
  for (let i = 0; i < spots; i++)
    for (let j = 0; j < genes; j++) for (let f = 0; f < 4; f++) y[i * genes + j] += parts[4 * j + f] * x[i * features + f];
  const widths = [features, ...hidden, genes];
  const files: [string, Float32Array][] = [
    ['x.f32', x],
    ['y.f32', y],
  ];
  widths.slice(1).forEach((outputs, l) => {
    files.push([`w${l}.f32`, normals(widths[l] * outputs, 1 / Math.sqrt(widths[l]))]);
    if (l < hidden.length) files.push([`b${l}.f32`, normals(outputs, 0.1)]);
  });
  for (const [name, values] of files) await writeFile(join(folder, name), values);
}

async function run(side: 'ours' | 'torch', spec: SpatialSpec, folder: string): Promise<Timed> {
  const given = JSON.stringify(spec);
  const [command, ...args] =
    side === 'ours'
      ? [process.execPath, '--max-old-space-size=8000', self, 'ours', given, folder]
      : [process.env.PYTHON ?? 'python3', script, given, folder];
  const n = String(spec.threads);
  const env = { ...process.env, ...TENSOR_ENV, TF_NUM_INTRAOP_THREADS: n, OMP_NUM_THREADS: n, MKL_NUM_THREADS: n };
  const { stdout } = await promisify(execFile)(command, args, { env, maxBuffer: 1 << 24 });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Timed;
}

/** The least time of each side over the rounds. */
async function inTurn(spec: SpatialSpec, folder: string, rounds: number): Promise<{ readonly ours: Timed; readonly torch: Timed }> {
  const best: { ours?: Timed; torch?: Timed } = {};
  for (let r = 0; r < rounds; r++) {
    for (const side of ['ours', 'torch'] as const) {
      const said = await run(side, spec, folder);
      if (said.wall_s < (best[side]?.wall_s ?? Infinity)) best[side] = said;
    }
  }
  return { ours: best.ours!, torch: best.torch! };
}

const round = (x: number): number => Number(x.toPrecision(3));

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '2' }, threads: { type: 'string', default: '2' } } });
  const table = await Table.open('spatial', resultFile('spatial.json'));
  for (const hidden of HIDDEN) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-'));
    try {
      await writeCase(folder, hidden);
      for (const part of ['theta', 'network'] as const) {
        const spec = { ...SIZE, hidden: [...hidden], part, threads: Number(values.threads), repeats: part === 'theta' ? 2 : 20 };
        const load = loadavg()[0];
        const { ours, torch } = await inTurn(spec, folder, Number(values.rounds));
        const figures = (side: string, said: Timed): Record<string, number> => ({
          [`${side}_step_s`]: round(said.wall_s),
          [`${side}_epoch_s`]: round(said.wall_s * EPOCH[part]),
          [`${side}_peak_mb`]: Math.round(said.peak_mb),
          [`${side}_loss`]: said.loss,
          ...(said.slope === undefined ? {} : { [`${side}_slope`]: said.slope }),
        });
        await table.put({
          data: `${SIZE.spots} spots, ${SIZE.features} features, ${SIZE.auxiliary} auxiliary genes`,
          method: `${part} step, hidden [${hidden.join(', ')}], ${spec.threads} threads`,
          ...figures('ours', ours),
          ...figures('torch', torch),
          ratio: round(ours.wall_s / torch.wall_s),
          load: round(load),
          reference: torch.version,
        });
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  const columns = ['method', 'ours_step_s', 'torch_step_s', 'ratio', 'ours_epoch_s', 'torch_epoch_s', 'ours_peak_mb', 'torch_peak_mb'];
  console.log(`\n${markdown(table.rows, columns)}\n`);
}

if (process.argv[2] === 'ours') console.log(JSON.stringify(await timeSpatial(JSON.parse(process.argv[3]) as SpatialSpec, process.argv[4])));
else await main();
