import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError } from '../../core/errors.ts';
import { didYouMean } from '../../core/problem.ts';
import { isS3 } from '../../core/s3-uri.ts';
import { packageVersion } from '../../runs/load.ts';
import { publisher } from '../../runs/publish.ts';
import { checkOut } from '../../runs/results.ts';
import { findRun, type RunsFlags, withServer } from '../runs.ts';
import { placeOf } from './run.ts';

const KINDS = ['genes', 'h5ad', 'multiqc', 'ro-crate'] as const;

export interface ExportFlags extends RunsFlags {
  readonly as: string[];
  readonly out?: string;
  readonly cell?: string;
  readonly licence: string;
  readonly author?: string;
}

/** `panelflow export RUN --as ro-crate,h5ad,genes,multiqc`: results in the forms that other tools read. */
export function exportRun(word: string, flags: ExportFlags): Promise<number> {
  for (const kind of flags.as)
    if (!(KINDS as readonly string[]).includes(kind))
      throw new ConfigError(`--as ${kind}: there is no such export`, { mend: didYouMean(kind, KINDS) ?? `Known: ${KINDS.join(', ')}.` });
  return withServer(flags, async (connected, store) => {
    const { run, name } = await findRun(word, connected);
    const out = flags.out === undefined ? resolve(join('results', name, 'export')) : placeOf(flags.out, name);
    await checkOut(out);
    const { take } = await import('../export/taken.ts');
    const taken = await take(store, run);
    const publish = publisher(out);
    const made: string[] = [];
    for (const kind of flags.as) {
      if (kind === 'genes') made.push(await (await import('../export/genes.ts')).exportGenes(taken, publish, flags.cell));
      else if (kind === 'multiqc') made.push(await (await import('../export/multiqc.ts')).exportMultiqc(taken, publish));
      else if (kind === 'ro-crate')
        made.push(
          await (
            await import('../export/crate.ts')
          ).exportCrate(taken, out, {
            version: await packageVersion(),
            licence: flags.licence,
            author: flags.author ?? userInfo().username,
          }),
        );
      else if (isS3(out))
        throw new ConfigError('An h5ad is written to a folder of this machine', { mend: 'Give another place with --out.' });
      else made.push(await (await import('../export/anndata.ts')).exportAnnData(taken, join(out, `${name}.h5ad`), flags.cell));
    }
    process.stdout.write(flags.json ? `${JSON.stringify({ run, out, made })}\n` : `${made.join('\n')}\n`);
    return 0;
  });
}
