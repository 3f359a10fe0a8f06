/**
 * How do our exact nearest neighbours compare with scikit-learn's brute force? 5 neighbours, one thread.
 * Run: npm run build && PYTHON=<python with scikit-learn> node dist/bench/knn.js
 */
import { fileURLToPath } from 'node:url';
import { nearestNeighbours, vote } from '../stats/knn.ts';
import { mostProbable } from '../stats/metrics.ts';
import { readCase } from './_case.ts';
import { compare, type Contestant, measured, publish } from './_compare.ts';

async function ours(folder: string): Promise<void> {
  const { learn, learnCodes, test, testCodes, rows, testRows, genes, classes } = readCase(folder);
  const work = async (): Promise<number> => {
    const references = { block: learn, rows, features: genes };
    const nearest = await nearestNeighbours(references, { block: test, rows: testRows, features: genes }, { k: 5 });
    const predicted = mostProbable(vote(nearest, learnCodes, { k: 5, classCount: classes }), classes);
    return testCodes.filter((c, i) => predicted[i] === c).length / testRows;
  };
  console.log(JSON.stringify(await measured(work, process.version)));
}

async function main(): Promise<void> {
  const self = fileURLToPath(import.meta.url);
  const peer = fileURLToPath(new URL(self.includes('/dist/') ? '../../bench/knn.py' : 'knn.py', import.meta.url));
  const pair: Contestant[] = [
    ['scikit-learn', process.env.PYTHON ?? 'python3', peer],
    ['panelflow', process.execPath, ...process.execArgv, self, 'ours'],
  ];
  const rows = [
    ...(await compare({ name: '2,400 x 50, 600 queries', rows: 2400, testRows: 600, genes: 50, classes: 7 }, pair)),
    ...(await compare({ name: '40,000 x 64, 8,000 queries', rows: 40_000, testRows: 8000, genes: 64, classes: 9 }, pair)),
  ];
  await publish('knn', rows);
}

const [, , mode, folder] = process.argv;
if (mode === 'ours') await ours(folder);
else await main();
