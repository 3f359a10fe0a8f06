import { parseArgs } from 'node:util';
import { KINDS, torture } from './_torture.ts';

const { values } = parseArgs({
  options: {
    cells: { type: 'string', default: '200' },
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '1800' },
  },
});
const [cells, kills, seed, seconds] = [values.cells, values.kills, values.seed, values.seconds].map(Number);
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const account = await torture({ cells, kills, seed, seconds, tell: print });

const rows: readonly [string, string | number][] = [
  ...KINDS.map((kind): [string, number] => [`kills: ${kind}`, account.kills[kind]]),
  ['tasks', account.tasks],
  ['attempts', account.attempts],
  ['attempts lost', account.lost],
  ['attempts that went on from a checkpoint', account.resumed],
  ['tasks computed twice', `${account.repeats} (allowed: ${account.allowedRepeats})`],
  ['tasks computed again though their result was there', account.late.length],
  ['starts of the client', account.clientStarts],
  ['ends that nobody asked for', account.gaveUp.length],
  ['step processes after their worker, at most', `${account.outlivedMs} ms`],
  ['orphans', account.orphans],
  ['objects', account.objects],
  ['objects damaged', account.isSound ? 'none' : 'some'],
  ['claims left behind, their task done', account.claims],
  ['checkpoints left behind', account.checkpoints],
  ['results the same as in peace', account.isSame ? 'yes' : 'no'],
  ['run', `${(account.runMs / 1_000).toFixed(0)} s`],
];
for (const line of account.gaveUp) print(line);
for (const [name, value] of rows) print(`${name.padEnd(52)} ${value}`);
for (const fault of account.faults) print(`✘ ${fault}`);
process.exitCode = account.faults.length === 0 ? 0 : 1;
