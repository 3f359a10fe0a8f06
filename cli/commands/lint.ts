import { prepare } from '../../runs/prepare.ts';
import type { RunFlags } from './run.ts';

/** `panelflow lint FILE`: all problems of a file with their places; nothing is started. */
export async function lint(file: string, flags: RunFlags): Promise<number> {
  const { plan } = await prepare(file, {
    profiles: flags.profile ?? [],
    set: flags.set ?? [],
    paramsFile: flags.paramsFile,
    name: flags.name,
  });
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ ok: true, cells: plan.cells, tasks: plan.tasks.length })}\n`
      : `${file}: no problem found (${plan.cells} cells, ${plan.tasks.length} tasks)\n`,
  );
  return 0;
}
