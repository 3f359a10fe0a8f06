import type { Plan } from '../schemas/plan.ts';
import type { Progress } from '../schemas/run.ts';

/** An estimate of the time left; `open` while a kind of step that remains has not been timed yet. */
export interface TimeLeft {
  readonly ms: number;
  readonly open: boolean;
}

/** Estimates the time left: each kind of step at its own pace, at the parallelism since `start` (epoch milliseconds). Undefined while too little is known. */
export function timeLeft(plan: Plan, { kinds }: Progress, start: number): TimeLeft | undefined {
  const all = Object.values(kinds);
  const computed = all.reduce((sum, k) => sum + k.computed, 0);
  const spent = all.reduce((sum, k) => sum + k.ms, 0);
  if (computed < 3) return undefined;
  const parallel = Math.max(1, spent / Math.max(1, Date.now() - start));
  const waiting = new Map<string, number>();
  for (const { uses } of plan.tasks) waiting.set(uses, (waiting.get(uses) ?? 0) + 1);
  let ms = 0;
  let open = false;
  for (const [uses, total] of waiting) {
    const kind = kinds[uses];
    const left = Math.max(0, total - (kind?.ended ?? 0));
    const isTimed = kind !== undefined && kind.computed > 0;
    open ||= left > 0 && !isTimed;
    ms += left * (isTimed ? kind.ms / kind.computed : spent / computed);
  }
  return { ms: ms / parallel, open };
}
