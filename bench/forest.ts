/**
 * How does our random forest compare with scikit-learn's, and with the npm library's? 100 trees, one thread.
 * Run: npm run build && PYTHON=<python with scikit-learn> node dist/bench/forest.js
 */
import { fileURLToPath } from 'node:url';
import { fitForest, predictForest } from '../stats/forest.ts';
import { mostProbable } from '../stats/metrics.ts';
import { readCase } from './_case.ts';
import { compare, type Contestant, measured, publish } from './_compare.ts';

const share = (predicted: ArrayLike<number>, truth: Int32Array): number => truth.filter((c, i) => predicted[i] === c).length / truth.length;

async function ours(folder: string, trees: number): Promise<void> {
  const { learn, learnCodes, test, testCodes, rows, genes, classes } = readCase(folder);
  const target = { kind: 'classes' as const, codes: learnCodes, classCount: classes };
  const work = async (): Promise<number> => {
    const forest = await fitForest({ block: learn, rows, features: genes, target }, { trees, seed: 0 });
    return share(mostProbable(predictForest(forest, test), classes), testCodes);
  };
  console.log(JSON.stringify(await measured(work, process.version)));
}

async function library(folder: string, trees: number): Promise<void> {
  const { RandomForestClassifier } = await import('ml-random-forest');
  const { learn, learnCodes, test, testCodes, genes } = readCase(folder);
  const table = (block: Float32Array): number[][] =>
    Array.from({ length: block.length / genes }, (_, i) => Array.from(block.subarray(i * genes, (i + 1) * genes)));
  const work = (): Promise<number> => {
    const settings = { nEstimators: trees, maxFeatures: 1, replacement: true, useSampleBagging: true, noOOB: true, isClassifier: true };
    const forest = new RandomForestClassifier({ ...settings, seed: 42, treeOptions: {} });
    forest.train(table(learn), Array.from(learnCodes));
    return Promise.resolve(share(forest.predict(table(test)), testCodes));
  };
  console.log(JSON.stringify(await measured(work, '2.1.0')));
}

async function main(): Promise<void> {
  const self = fileURLToPath(import.meta.url);
  const node: readonly [string, ...string[]] = [process.execPath, ...process.execArgv, self];
  const python = process.env.PYTHON ?? 'python3';
  const peer = fileURLToPath(new URL(self.includes('/dist/') ? '../../bench/forest.py' : 'forest.py', import.meta.url));
  const pair = (trees: number): Contestant[] => [
    ['scikit-learn', python, peer, String(trees)],
    ['panelflow', ...node, 'ours', String(trees)],
  ];
  const rows = [
    ...(await compare({ name: '2,400 x 50, 7 classes', rows: 2400, testRows: 600, genes: 50, classes: 7 }, pair(100))),
    ...(await compare({ name: '2,400 x 50, 47 classes', rows: 2400, testRows: 600, genes: 50, classes: 47 }, pair(100))),
    ...(await compare({ name: '32,000 x 64, 9 classes', rows: 32_000, testRows: 8000, genes: 64, classes: 9 }, pair(100))),
    ...(await compare({ name: '32,000 x 64, 59 classes', rows: 32_000, testRows: 8000, genes: 64, classes: 59 }, pair(100))),
    ...(await compare({ name: '600 x 50, 7 classes, 10 trees', rows: 600, testRows: 600, genes: 50, classes: 7 }, [
      ...pair(10),
      ['ml-random-forest', ...node, 'library', '10'],
    ])),
  ];
  await publish('forest', rows);
}

const [, , mode, trees, folder] = process.argv;
if (mode === 'ours') await ours(folder, Number(trees));
else if (mode === 'library') await library(folder, Number(trees));
else await main();
