import { post, runPath } from './api.ts';
import { ask, field } from './dialog.ts';
import { h, say } from './dom.ts';
import type { Live } from './shapes.ts';
import { lines } from './start.ts';

const WHAT: Readonly<Record<string, { readonly title: string; readonly text: string; readonly isDanger?: boolean }>> = {
  pause: { title: 'Pause', text: 'What is under way ends; nothing more begins.' },
  resume: { title: 'Resume', text: 'It goes on. A run that has ended is taken up where it left off.' },
  stop: { title: 'Stop', text: 'What is under way ends, and the report is made of what there is.', isDanger: true },
  cancel: { title: 'Cancel', text: 'It ends at once, without a report. What it has finished stays in the cache.', isDanger: true },
  retry: { title: 'Retry failed', text: 'All failed tasks are done anew, and what was skipped for them.' },
  attach: { title: 'Serve it here', text: 'Starts a worker on this machine that goes on with the run, also when the dashboard is closed.' },
};

/** Asks whether it is meant, with a note where the run's history keeps one, and does it. */
export function order(run: string, verb: string): void {
  const { title, text, isDanger = false } = WHAT[verb];
  const note = h('input', { type: 'text', maxlength: 300 });
  const hasNote = ['pause', 'resume', 'stop', 'retry'].includes(verb);
  ask({
    title: `${title}: ${run}`,
    body: [h('p', {}, text), ...(hasNote ? [field('Note', note, 'why, for others; may stay empty')] : [])],
    action: title,
    isDanger,
    act: async () => (await post(runPath(run, verb), hasNote && note.value !== '' ? { note: note.value } : {})).said,
  });
}

/** Asks what to change in the sweep, and shows what that would come to. */
export function amend(run: string): void {
  const area = (placeholder: string): HTMLTextAreaElement => h('textarea', { rows: 2, placeholder, spellcheck: 'false' });
  const [add, drop, set] = [area('seed=3,4'), area('selector=random'), area('hvg.top=1000')];
  const note = h('input', { type: 'text', maxlength: 300 });
  const told = h('p', { class: 'muted', role: 'status' });
  const words = (): object => ({ add: lines(add.value), drop: lines(drop.value), set: lines(set.value) });
  const look = h('button', { type: 'button' }, 'What would change?');
  look.addEventListener('click', () => {
    post(runPath(run, 'amend'), { ...words(), dryRun: true }).then(
      ({ said }) => say(told, said),
      (error: unknown) => say(told, (error as Error).message),
    );
  });
  ask({
    title: `Amend: ${run}`,
    body: [
      h('p', {}, 'Only new cells are computed; dropped ones stop. One axis or param a line.'),
      field('Add values', add),
      field('Drop values', drop),
      field('Set params', set),
      field('Note', note),
      h('div', { class: 'buttons' }, look, told),
    ],
    action: 'Amend',
    act: async () => (await post(runPath(run, 'amend'), { ...words(), ...(note.value === '' ? {} : { note: note.value }) })).said,
  });
}

/** The orders that make sense at the moment. */
export function possible({ isOpen, isServed, state, steps }: Live): string[] {
  const hasFailed = steps.some(({ failed }) => failed > 0);
  const retry = hasFailed ? ['retry'] : [];
  if (!isOpen) return [...(state === 'completed' ? [] : ['resume']), ...retry, 'amend'];
  if (!isServed) return ['attach', 'cancel'];
  if (state === 'stopping') return ['cancel'];
  return [state === 'paused' ? 'resume' : 'pause', 'stop', 'cancel', ...retry, 'amend'];
}

export const titleOf = (verb: string): string => (verb === 'amend' ? 'Amend' : WHAT[verb].title);
