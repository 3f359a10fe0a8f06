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
 * Successive halving (Jamieson & Talwalkar 2016, arXiv:1502.07943) of a step's tasks: values of one axis compete (selectors, say), each by the
 * mean of its judges over other axes (seeds, say). All are trained to the first fraction and judged; the best 1 in eta go on, from where they
 * stopped, to the next one, and so on to the end. Decided when all of a rung are judged, in order of score, then of the plan: the same seeds
 * give the same winners. Tasks whose step cannot stop on the way run as they would, and take no part.
 */
export function halve(tasks: PlannedTask[], definition: PipelineDefinition, { scope, definitionOf, sha256 }: World): PlannedTask[] {
  const { halving } = definition;
  if (!halving || template(halving.when).evaluate(scope) !== true) return tasks;
  const { eta, fractions } = rulesOf(template(halving.rules).evaluate(scope));
  const { step, judge: judging, along, over, metric } = halving;
  const judgesOf = new Map<string, PlannedTask[]>();
  for (const task of tasks)
    if (task.step === judging) for (const id of needsOf(task)) judgesOf.set(id, [...(judgesOf.get(id) ?? []), task]);
  const isTrial = (t: PlannedTask): boolean =>
    t.step === step && judgesOf.has(t.id) && (definitionOf(t.uses)?.traits ?? []).includes(TRAIT);
  const rungs = new Map<string, PlannedTask[]>();
  const gated = new Map<string, PlannedTask>();
  for (const rivals of bracketsOf(tasks.filter(isTrial), along, over)) {
    if (rivals.length < 2) continue;
    const bracket = rivals[0][0].id;
    let judged: string[][] = [];
    for (const fraction of [...fractions, 1]) {
      const before = judged;
      const gateOf = (own: number): Pick<PlannedTask, 'gate'> =>
        before.length === 0 ? {} : { gate: { own, rivals: before, eta, bracket } };
      judged = rivals.map((trials, own) =>
        trials.flatMap((full) => {
          if (fraction === 1) {
            gated.set(full.id, { ...full, ...gateOf(own) });
            return [];
          }
          const at = (task: PlannedTask): Pick<PlannedTask, 'id' | 'label' | 'bracket'> => ({
            id: `${task.step}-${sha256(`${task.id} ${fraction}`).slice(0, 12)}`,
            label: `${task.label} to=${fraction}`,
            bracket,
          });
          const trial: PlannedTask = { ...full, ...at(full), until: fraction, ...gateOf(own) };
          const judges = judgesOf.get(full.id)!.map((judge): PlannedTask => {
            const inputs = Object.entries(judge.inputs).map(([port, input]) => [port, moved(input, full.id, trial.id)]);
            return { ...judge, ...at(judge), inputs: Object.fromEntries(inputs) as PlannedTask['inputs'], score: metric };
          });
          rungs.set(full.id, [...(rungs.get(full.id) ?? []), trial, ...judges]);
          return judges.map((judge) => judge.id);
        }),
      );
    }
  }
  // The judge of a whole training decides nothing.
  return tasks.filter((t) => t.step !== judging).flatMap((t) => [...(rungs.get(t.id) ?? []), gated.get(t.id) ?? t]);
}

/** Trials that compete, by what they compete with: those that differ along one axis, and along axes that are averaged over. */
function bracketsOf(trials: readonly PlannedTask[], along: string, over: readonly string[]): PlannedTask[][][] {
  const brackets = new Map<string, Map<string, PlannedTask[]>>();
  for (const trial of trials) {
    const key = canonical(Object.fromEntries(Object.entries(trial.cell).filter(([axis]) => axis !== along && !over.includes(axis))));
    const rivals = brackets.get(key) ?? new Map<string, PlannedTask[]>();
    brackets.set(key, rivals);
    const name = String(trial.cell[along]);
    rivals.set(name, [...(rivals.get(name) ?? []), trial]);
  }
  return [...brackets.values()].map((rivals) => [...rivals.values()]);
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
