import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isInside } from '../../core/allowed.ts';
import type { Gathered, StepDefinition } from '../../core/plugin.ts';
import { type Dataset, type ReportFile, z } from '../contract.ts';
import { PLAIN_NAME, placeFiles, readFiles } from './_folder.ts';
import { programParams, runProgram, scriptsOf, text } from './_program.ts';

const STDOUT = 'stdout.txt';
const DATA = 'data.h5ad';

const params = z.strictObject({
  ...programParams,
  outputs: z
    .record(
      z.string().regex(PLAIN_NAME, 'a name is letters, digits, ".", "_" and "-"'),
      text.refine(isInside, 'a path in the folder that the command starts in'),
    )
    .refine((outputs) => !Object.hasOwn(outputs, STDOUT), `${STDOUT} is the name of what the program prints`)
    .default({})
    .describe('name of each result, and the file in its folder that the program writes it to'),
  stdin: text.optional().describe('a text to read from standard input'),
});

interface Inputs {
  readonly in?: readonly ReportFile[];
  readonly all?: readonly Gathered<readonly ReportFile[]>[];
  readonly data?: Dataset;
}

/**
 * Runs a program for one cell. `in` lies in in/, each of `all` in in/0/, in/1/, ... with their cells in in/cells.json, `data` in data.h5ad.
 * Gives the outputs that were named, and stdout.txt. ConfigError: no such program; DataError: it failed, or left no such output; CrashError:
 * a signal ended it.
 */
const definition: StepDefinition<typeof params> = {
  kind: 'command',
  id: 'run',
  version: 1,
  summary: 'Runs a program in a fresh folder: any language, files in, files out',
  params,
  files: (given) => scriptsOf(given, [DATA, ...Object.values(given.outputs)]),
  inputs: {
    in: { type: 'folder', optional: true },
    all: { type: 'folder', optional: true, many: true },
    data: { type: 'dataset', optional: true },
  },
  outputs: { out: 'folder' },
  queue: 'cpu',
  seeded: false,
  run: async (context, inputs, given) => {
    const out = await runProgram(context, given, {
      place: (folder) => placeInputs(folder, inputs as Inputs),
      collect: (folder, fd) => readFiles(folder, given.outputs, { name: STDOUT, fd }),
    });
    return { outputs: { out }, facts: { files: out.length, bytes: out.reduce((sum, { bytes }) => sum + bytes.byteLength, 0) } };
  },
};
export default definition;

async function placeInputs(work: string, { in: one, all, data }: Inputs): Promise<void> {
  if (one) placeFiles(join(work, 'in'), one);
  if (all) {
    for (const [i, { value }] of all.entries()) placeFiles(join(work, 'in', String(i)), value);
    writeFileSync(join(work, 'in', 'cells.json'), `${JSON.stringify(all.map(({ cell }) => cell))}\n`);
  }
  if (data) {
    const { writeH5ad } = await import('../../data/h5ad-write.ts');
    await writeH5ad(join(work, DATA), data);
  }
}
