import type { PipelineDefinition } from '../schemas/pipeline.ts';
import type { PlannedInput, PlannedTask } from '../schemas/plan.ts';
import { canonical } from './canonical.ts';
import { ConfigError } from './errors.ts';
import { type Scope, template } from './expression.ts';
import type { StepDefinition } from './plugin.ts';

/** What halving needs of the world. */
interface World {
  readonly scope: Scope;
  readonly definitionOf: (uses: string) => StepDefinition | undefined;
  readonly sha256: (text: string) => string;
}

/** A step whose training can stop anywhere and go on later. */
const TRAIT = 'anytime';

interface Rules {
  readonly eta: number;
  readonly fractions: readonly number[];
}

/**
 * Successive halving (Jamieson & Talwalkar 2016, arXiv:1502.07943) of a step's tasks: those that differ along one axis alone compete. Each is
 * trained to the first fraction and judged; the best 1 in eta go on, from where they stopped, to the next one, and so on to the end. Decided
 * in order of score, then of the plan, when all of a rung are judged: the same seed gives the same winners. Tasks whose step cannot stop on
 * the way run as they would, and take no part.
 */
export function halve(tasks: PlannedTask[], definition: PipelineDefinition, { scope, definitionOf, sha256 }: World): PlannedTask[] {
  const { halving } = definition;
  if (!halving || template(halving.when).evaluate(scope) !== true) return tasks;
  const rules = rulesOf(template(halving.rules).evaluate(scope));
  const judgeOf = new Map<string, PlannedTask>();
  for (const task of tasks) if (task.step === halving.judge) for (const id of needsOf(task)) judgeOf.set(id, task);
  const isTrial = (t: PlannedTask): boolean =>
    t.step === halving.step && judgeOf.has(t.id) && (definitionOf(t.uses)?.traits ?? []).includes(TRAIT);
  const brackets = new Map<string, PlannedTask[]>();
  for (const trial of tasks.filter(isTrial)) {
    const key = canonical(Object.fromEntries(Object.entries(trial.cell).filter(([axis]) => axis !== halving.along)));
    brackets.set(key, [...(brackets.get(key) ?? []), trial]);
  }
  const rungs = new Map<string, PlannedTask[]>();
  const gated = new Map<string, PlannedTask>();
  for (const trials of brackets.values()) {
    if (trials.length < 2) continue;
    const members = trials.map((trial) => trial.id);
    let rivals: { trial: PlannedTask; judge: PlannedTask }[] = [];
    for (const [rung, fraction] of [...rules.fractions, 1].entries()) {
      const gateOf = (i: number): Pick<PlannedTask, 'gate'> =>
        rung === 0 ? {} : { gate: { own: rivals[i].judge.id, rivals: rivals.map((r) => r.judge.id), eta: rules.eta, bracket: members[0] } };
      if (fraction === 1) {
        for (const [i, trial] of trials.entries()) gated.set(trial.id, { ...trial, ...gateOf(i) });
        continue;
      }
      rivals = trials.map((full, i) => {
        const label = `${full.label} to=${fraction}`;
        const bracket = { bracket: members[0] };
        const trial = {
          ...full,
          id: `${full.step}-${sha256(`${full.id} ${fraction}`).slice(0, 12)}`,
          label,
          until: fraction,
          ...bracket,
          ...gateOf(i),
        };
        const asked = judgeOf.get(full.id)!;
        const judge = {
          ...asked,
          id: `${asked.step}-${sha256(`${asked.id} ${fraction}`).slice(0, 12)}`,
          label,
          inputs: Object.fromEntries(Object.entries(asked.inputs).map(([port, input]) => [port, moved(input, full.id, trial.id)])),
          score: halving.metric,
          ...bracket,
        };
        rungs.set(full.id, [...(rungs.get(full.id) ?? []), trial, judge]);
        return { trial, judge };
      });
    }
  }
  // The judge of a whole training decides nothing.
  return tasks.filter((t) => t.step !== halving.judge).flatMap((t) => [...(rungs.get(t.id) ?? []), gated.get(t.id) ?? t]);
}

const needsOf = (task: PlannedTask): string[] => Object.values(task.inputs).flatMap((i) => ('gather' in i ? [] : [i.task]));

const moved = (input: PlannedInput, from: string, to: string): PlannedInput =>
  'task' in input && input.task === from ? { ...input, task: to } : input;

function rulesOf(value: unknown): Rules {
  const { eta, fractions } = value as Partial<Rules>;
  const isRising =
    Array.isArray(fractions) && fractions.every((f, i) => typeof f === 'number' && f > (i === 0 ? 0 : fractions[i - 1]) && f < 1);
  if (!isRising || fractions.length === 0)
    throw new ConfigError(`halving.fractions is ${JSON.stringify(fractions)}`, {
      mend: 'Give shares of a whole training that rise between 0 and 1, such as [0.1, 0.3].',
    });
  if (typeof eta !== 'number' || eta <= 1)
    throw new ConfigError(`halving.eta is ${JSON.stringify(eta)}`, { mend: 'Give a number above 1: 3 lets one in three go on.' });
  return { eta, fractions };
}
