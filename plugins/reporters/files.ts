import type { Gathered, StepDefinition } from '../../core/plugin.ts';
import { MOST_BYTES, PLAIN_NAME } from '../commands/_folder.ts';
import { DataError, type ReportFile, z } from '../contract.ts';

const params = z.strictObject({
  into: z.string().regex(PLAIN_NAME).optional().describe('a folder of the results to put them in, where several steps publish files'),
});

/** The folder of a cell: what may not stand in a name is escaped, so that two cells never share one. */
const folderOf = (cell: Gathered['cell']): string =>
  Object.entries(cell)
    .map(([axis, label]) => `${axis}=${encodeURIComponent(label)}`)
    .join(',');

/** Publishes the files of many commands: INTO/AXIS=LABEL,.../NAME in the results. All of them go through memory. */
const definition: StepDefinition<typeof params> = {
  kind: 'reporter',
  id: 'files',
  version: 1,
  summary: "The files that commands wrote, each under its cell's name",
  params,
  inputs: { folders: { type: 'folder', many: true } },
  outputs: { files: 'files' },
  queue: 'cpu',
  seeded: false,
  run: async (context, { folders }, { into = '' }) => {
    await context.breathe();
    const files = (folders as readonly Gathered<readonly ReportFile[]>[]).flatMap(({ value, cell }) =>
      value.map(({ name, bytes }) => ({ name: [into, folderOf(cell), name].filter((part) => part !== '').join('/'), bytes })),
    );
    const bytes = files.reduce((sum, file) => sum + file.bytes.byteLength, 0);
    if (bytes > MOST_BYTES)
      throw new DataError('The files to publish are more than 1 GB', {
        context: { bytes, files: files.length },
        mend: 'Publish fewer: let a command pick what matters.',
      });
    return { outputs: { files }, facts: { files: files.length, bytes } };
  },
};
export default definition;
