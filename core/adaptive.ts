import type { PipelineDefinition } from '../schemas/pipeline.ts';
import type { PlannedTask } from '../schemas/plan.ts';
import { canonical } from './canonical.ts';
import { ConfigError } from './errors.ts';
import { type Scope, template } from './expression.ts';

/** Student's t that 95 % lie within, for 1, 2, ... 30 degrees of freedom. */
const T95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086,
  2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
] as const;

/**
 * More seeds only where they are needed: beyond the first few, a step's tasks at a further seed run only for those values of an axis (selectors,
 * say) that cannot be told apart from some other one by the seeds before: the 95 % interval of their paired difference holds 0. It decides
 * where the effort goes; it is no test, since it looks after each seed.
 */
export function adapt(tasks: readonly PlannedTask[], definition: PipelineDefinition, scope: Scope): PlannedTask[] {
  const { adaptive } = definition;
  if (!adaptive || template(adaptive.when).evaluate(scope) !== true) return [...tasks];
  if (definition.halving && template(definition.halving.when).evaluate(scope) === true)
    throw new ConfigError('A run has either a halving or adaptive seeds', { mend: 'Take one of them out.' });
  const { step, along, over, judge, metric } = adaptive;
  const { after, by } = rulesOf(template(adaptive.rules).evaluate(scope));
  const isJudge = (t: PlannedTask): boolean => t.step === judge && (by === null || t.uses === by);
  const judges = tasks.filter(isJudge);
  const seeds = [...new Set(tasks.filter((t) => t.step === step).map((t) => t.cell[over]))];
  if (judges.length === 0 || seeds.length <= after) return [...tasks];
  const inputsOf = (t: PlannedTask): string[] => Object.values(t.inputs).flatMap((i) => ('gather' in i ? [] : [i.task]));
  const trials = new Map(tasks.filter((t) => t.step === step).map((t) => [t.id, t]));
  /** Bracket, rival, seed: the judges of one trial. */
  const brackets = new Map<string, Map<string, Map<string, string[]>>>();
  const keyOf = ({ cell }: PlannedTask): string =>
    canonical(Object.fromEntries(Object.entries(cell).filter(([axis]) => ![along, over, 'task'].includes(axis))));
  for (const j of judges) {
    for (const id of inputsOf(j)) {
      const trial = trials.get(id);
      if (!trial) continue;
      const bracket = brackets.get(keyOf(trial)) ?? new Map<string, Map<string, string[]>>();
      brackets.set(keyOf(trial), bracket);
      const rival = bracket.get(String(trial.cell[along])) ?? new Map<string, string[]>();
      bracket.set(String(trial.cell[along]), rival);
      const seed = String(trial.cell[over]);
      rival.set(seed, [...(rival.get(seed) ?? []), j.id]);
    }
  }
  return tasks.map((task) => {
    if (isJudge(task)) return { ...task, score: metric };
    const at = seeds.indexOf(task.cell[over]);
    if (task.step !== step || at < after) return task;
    const bracket = brackets.get(keyOf(task));
    if (!bracket || bracket.size < 2) return task;
    const before = seeds.slice(0, at).map(String);
    const names = [...bracket.keys()];
    const pairs = names.map((name) => before.map((seed) => bracket.get(name)!.get(seed) ?? []));
    const first = bracket.get(names[0])!.values().next().value![0];
    return {
      ...task,
      undecided: { own: names.indexOf(String(task.cell[along])), rivals: pairs, critical: T95.slice(0, at - 1), bracket: first },
    };
  });
}

function rulesOf(value: unknown): { after: number; by: string | null } {
  const { after, by = null } = value as { after?: unknown; by?: { uses?: string } | null };
  if (typeof after !== 'number' || !Number.isInteger(after) || after < 2 || after > T95.length)
    throw new ConfigError(`adaptive.after is ${JSON.stringify(after)}`, { mend: `Give a whole number of seeds from 2 to ${T95.length}.` });
  return { after, by: by?.uses ?? null };
}
