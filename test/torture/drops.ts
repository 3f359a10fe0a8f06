import { parseArgs } from 'node:util';
import { moto } from '../engine/_moto.ts';
import { type Mode, MODES } from './_drop-stage.ts';
import { tortureDrops } from './_drops.ts';

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '300' },
    kills: { type: 'string', default: '30' },
    mode: { type: 'string', default: 'poll' },
    unversioned: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '1200' },
  },
});
const [objects, kills, seed, seconds] = [values.objects, values.kills, values.seed, values.seconds].map(Number);
const mode = values.mode as Mode;
if (!MODES.includes(mode)) throw new Error(`--mode is one of ${MODES.join(', ')}`);
if (mode === 'sqs' && moto === undefined) throw new Error('There is no moto_server; MOTO_SERVER may name it');
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const { rows, faults } = await tortureDrops({ objects, kills, mode, isVersioned: !values.unversioned, seed, seconds, tell: print });
for (const [name, value] of rows) print(`${name.padEnd(52)} ${value}`);
for (const fault of faults) print(`✘ ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;
