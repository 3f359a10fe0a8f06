/**
 * Is our own selector better than the others on data that it was not made with? Accuracy and weighted F1 of forests and of nearest
 * neighbours (5, scaled) on test cells, panels of 16, 32 and 64 genes, three divisions a dataset, methods with their defaults.
 * Run: npm run build && PANELFLOW_SHARED=<folder with data> node dist/bench/own-selector.js [tuning|report|summary] [method ...]
 * Goes on where the result file ends; `tuning` has the ablations on the datasets that the defaults were chosen on, `summary` only prints.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { StepDefinition } from '../core/plugin.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Metrics, Panel, Split, Task } from '../plugins/contract.ts';
import forest from '../plugins/evaluators/forest.ts';
import knn from '../plugins/evaluators/knn.ts';
import { testContext } from '../test/kit/tiny-atlas.ts';
import { record, resultFile } from './_compare.ts';
import { ABLATIONS, type Case, type Contestant, CONTESTANTS, divide, load, panels, REPORT, SIZES, TUNING } from './_own-cases.ts';
import { type Result, summarise } from './_own-summary.ts';

const SEEDS = [0, 1, 2];
const FILE = resultFile('own-selector.json');
const PARTS = {
  tuning: { cases: TUNING, contestants: ABLATIONS },
  report: { cases: REPORT, contestants: CONTESTANTS },
} as const;

const results: Result[] = existsSync(FILE) ? (JSON.parse(await readFile(FILE, 'utf8')) as { rows: Result[] }).rows : [];
const round = (x: number): number => Math.round(x * 1e4) / 1e4;

interface Inputs {
  readonly data: Dataset;
  readonly split: Split;
}

const EVALUATORS: readonly [name: 'forest' | 'knn', step: StepDefinition, params: object][] = [
  ['forest', forest, {}],
  ['knn', knn, { scale: true }],
];

/** Means over the tasks. */
async function judge(panel: Panel, inputs: Inputs, { tasks, k, seed }: { tasks: readonly Task[]; k: number; seed: number }) {
  const found = { forest: 0, forest_f1: 0, knn: 0, knn_f1: 0 };
  for (const [name, step, params] of EVALUATORS) {
    for (const task of tasks) {
      const { outputs } = await step.run(testContext({ seed }), { ...inputs, panel }, step.params.parse({ k, tasks: [task], ...params }));
      const { accuracy, f1_weighted } = (outputs.metrics as Metrics).values;
      found[name] += accuracy / tasks.length;
      found[`${name}_f1`] += f1_weighted / tasks.length;
    }
  }
  return { forest: round(found.forest), forest_f1: round(found.forest_f1), knn: round(found.knn), knn_f1: round(found.knn_f1) };
}

async function compete(part: keyof typeof PARTS, contestant: Contestant, given: Case, loaded: Awaited<ReturnType<typeof load>>) {
  const { data, tasks } = loaded;
  const at = { part, data: given.name, method: contestant.name };
  const mine = results.filter((r) => r.part === part && r.data === at.data && r.method === at.method);
  if (mine.some((r) => r.said !== undefined)) return;
  for (const seed of SEEDS) {
    const sizes = SIZES.filter((k) => !mine.some((r) => r.k === k && r.seed === seed));
    if (sizes.length === 0) continue;
    const inputs = { data, split: await divide(data, tasks, seed) };
    try {
      const found = await panels(contestant, inputs, { tasks, seed, sizes });
      for (const [k, { panel, seconds }] of found) {
        results.push({ ...at, k, seed, ...(await judge(panel, inputs, { tasks, k, seed })), cpu_s: Number(seconds.toPrecision(3)) });
      }
    } catch (error) {
      for (const k of sizes) results.push({ ...at, k, seed, said: String(error).slice(0, 200) });
      break;
    }
  }
  await record('own-selector', FILE, results);
  console.log(`${new Date().toISOString()} ${part}: ${contestant.name} on ${given.name}`);
}

const words = process.argv.slice(2);
const methods = words.filter((word) => !(word in PARTS) && word !== 'summary');
const parts = words.includes('summary')
  ? []
  : (Object.keys(PARTS) as (keyof typeof PARTS)[]).filter((p) => words.length === methods.length || words.includes(p));
for (const part of parts) {
  const { cases, contestants } = PARTS[part];
  const loaded = new Map<string, Awaited<ReturnType<typeof load>>>();
  for (const contestant of contestants) {
    if (methods.length > 0 && !methods.includes(contestant.name)) continue;
    for (const given of cases) {
      if (!loaded.has(given.name)) loaded.set(given.name, await load(given));
      await compete(part, contestant, given, loaded.get(given.name)!);
    }
  }
}
for (const part of ['tuning', 'report'] as const)
  console.log(
    summarise(
      part,
      results.filter((r) => r.part === part),
    ),
  );
