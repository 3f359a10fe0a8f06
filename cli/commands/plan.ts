import { plural } from '../../core/units.ts';
import { openStore } from '../../workers/compose.ts';
import { explainedForecast } from '../forecast.ts';
import { prepare } from '../../runs/prepare.ts';
import { print, table } from '../print.ts';
import { settings } from '../settings.ts';
import type { RunFlags } from './run.ts';

/** The most tasks that are listed one by one unless all are asked for. */
const LISTED = 100;

/** `panelflow plan FILE`: every task, cached or to run, and why. Starts nothing. */
export async function plan(file: string, flags: RunFlags & { readonly all?: boolean }): Promise<number> {
  const { plan, hash } = await prepare(file, {
    profiles: flags.profile ?? [],
    set: flags.set ?? [],
    paramsFile: flags.paramsFile,
    name: flags.name,
  });
  const outcomes = new Map((await explainedForecast(plan, openStore(settings(flags).work))).map((f) => [f.task, f]));
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ hash, ...plan, forecast: [...outcomes.values()] }, null, 1)}\n`);
    return 0;
  }
  const steps = [...new Set(plan.tasks.map((t) => t.step))];
  const summary = steps.map((step) => {
    const mine = plan.tasks.filter((t) => t.step === step);
    const cached = mine.filter((t) => outcomes.get(t.id)!.cached).length;
    return [step, mine.length, cached, mine.length - cached, [...new Set(mine.map((t) => t.queue))].join(',')];
  });
  const axes = Object.entries(plan.axes).map(([axis, labels]) => `  ${axis}: ${labels.join(', ')}`);
  print(`${plan.name} (${plan.pipeline}): ${plural(plan.cells, 'cell')}, ${plural(plan.tasks.length, 'task')}\n${axes.join('\n')}\n`);
  print(table(summary, ['step', 'tasks', 'cached', 'to run', 'queue']));
  const listed = flags.all ? plan.tasks : plan.tasks.slice(0, LISTED);
  const rows = listed.map((t) => {
    const f = outcomes.get(t.id)!;
    return [f.cached ? 'cached' : 'run', t.step, t.uses, t.label || '-', f.key?.slice(0, 10) ?? '-', f.why];
  });
  print(`\n${table(rows, ['', 'step', 'uses', 'cell', 'key', 'why'])}`);
  if (listed.length < plan.tasks.length) print(`and ${plan.tasks.length - listed.length} more (--all lists them)`);
  for (const { step, cells, when } of plan.left_out) print(`left out: ${step}, ${plural(cells, 'cell')}, ${when}`);
  return 0;
}
