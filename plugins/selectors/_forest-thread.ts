import { parentPort, workerData } from 'node:worker_threads';
import { importances, treeGrower } from '../../stats/forest.ts';
import type { ForestJob } from './_forest.ts';

const { columns, target, options, next } = workerData as ForestJob;
const grow = treeGrower(columns, target, options);
for (let t = Atomics.add(next, 0, 1); t < options.trees; t = Atomics.add(next, 0, 1)) {
  parentPort?.postMessage([t, importances(grow(t))]);
}
