import { createLogUpdate } from 'log-update';
import { plainText } from '../core/plain-text.ts';
import type { Plan } from '../schemas/plan.ts';
import type { Progress, StepProgress } from '../schemas/run.ts';
import type { TimeLeft } from './pace.ts';
import { bold, dim, duration, green, red, say } from './print.ts';

/** Shows how a run comes along. */
export interface ProgressView {
  /** `left`: the time to go, where known; `notes`: what running steps say. */
  update(progress: Progress, left: TimeLeft | undefined, notes: readonly string[]): void;
  done(progress: Progress): void;
}

const ended = (s: StepProgress): number => s.done + s.cached + s.failed + s.skipped + s.dropped;

function row(s: StepProgress, width: number): string {
  const full = Math.round((14 * ended(s)) / Math.max(1, s.total));
  const extra = [
    s.running > 0 ? `under way: ${s.running}` : '',
    s.cached > 0 ? `cached: ${s.cached}` : '',
    s.failed > 0 ? red(`failed: ${s.failed}`) : '',
    s.skipped > 0 ? `skipped: ${s.skipped}` : '',
    s.dropped > 0 ? `dropped: ${s.dropped}` : '',
  ].filter(Boolean);
  const mark = ended(s) < s.total ? '' : s.failed + s.skipped > 0 ? red(' ✘') : green(' ✔');
  return `${s.step.padEnd(width)} ${'█'.repeat(full)}${dim('░'.repeat(14 - full))} ${`${ended(s)} of ${s.total}`.padStart(10)}${extra.length > 0 ? `  ${extra.join(', ')}` : ''}${mark}`;
}

/** A table that is painted over, on a terminal. */
function live(title: string, slots: string): ProgressView {
  const update = createLogUpdate(process.stderr);
  const start = Date.now();
  const paint: ProgressView['update'] = (progress, left, notes) => {
    const width = Math.max(8, ...progress.steps.map((s) => s.step.length));
    const clock = `${duration(Date.now() - start)}${left === undefined ? '' : `, ${left.open ? 'more than' : 'about'} ${duration(left.ms)} left`}`;
    const state = progress.state === 'running' || progress.state === 'ended' ? '' : `  ${red(progress.state)}`;
    update(
      [
        `${bold(title)}${state}  ${dim(`${slots}  ${clock}`)}`,
        ...progress.steps.map((s) => row(s, width)),
        ...notes.map((note) => dim(plainText(note))),
      ].join('\n'),
    );
  };
  return {
    update: paint,
    done: (progress) => {
      paint(progress, undefined, []);
      update.done();
    },
  };
}

/** One plain line when a step begins to move, at each tenth of it, and when it ends. */
function plain(): ProgressView {
  const last = new Map<string, string>();
  const show = (progress: Progress): void => {
    for (const s of progress.steps) {
      const tenth = `${Math.floor((10 * ended(s)) / Math.max(1, s.total))}/${s.failed}`;
      if (ended(s) === 0 || last.get(s.step) === tenth) continue;
      last.set(s.step, tenth);
      say(
        `[${s.step}] ${ended(s)} of ${s.total}${s.cached > 0 ? `, cached: ${s.cached}` : ''}${s.failed > 0 ? `, failed: ${s.failed}` : ''}${s.skipped > 0 ? `, skipped: ${s.skipped}` : ''}`,
      );
    }
  };
  return { update: show, done: show };
}

/** One JSON object a change, on standard output. */
function json(): ProgressView {
  let last = '';
  const show = (progress: Progress): void => {
    const text = JSON.stringify({ event: 'progress', steps: progress.steps });
    if (text !== last) process.stdout.write(`${text}\n`);
    last = text;
  };
  return { update: show, done: show };
}

/** Rows of a plan that has not begun. */
export function blank(plan: Plan): Progress {
  const steps = new Map<string, StepProgress>();
  for (const task of plan.tasks) {
    const s = steps.get(task.step) ?? { step: task.step, total: 0, running: 0, done: 0, cached: 0, failed: 0, skipped: 0, dropped: 0 };
    s.total++;
    steps.set(task.step, s);
  }
  const spent = { tasks: 0, ms: 0 };
  return { steps: [...steps.values()], kinds: {}, children: [], failures: [], spent, state: 'running', stopped: '', changes: [] };
}

export function progressView(mode: 'live' | 'plain' | 'json' | 'quiet', title: string, slots: string): ProgressView {
  if (mode === 'json') return json();
  if (mode === 'quiet') return { update: () => {}, done: () => {} };
  return mode === 'live' ? live(title, slots) : plain();
}
