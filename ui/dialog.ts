import { ApiError } from './api.ts';
import { h, put } from './dom.ts';

const region = h('div', { role: 'status', 'aria-live': 'polite', class: 'toast' });
let timer = 0;

/** Says something to everybody: shown for some seconds, and read aloud. */
export function announce(text: string): void {
  if (!region.isConnected) document.body.append(region);
  region.textContent = text;
  region.classList.add('shown');
  clearTimeout(timer);
  timer = setTimeout(() => region.classList.remove('shown'), 6_000);
}

/** A mistake in words. */
export function mistake(error: unknown): string {
  const { message } = error as Error;
  return error instanceof ApiError && error.mend !== '' ? `${message}. ${error.mend}` : message;
}

/** A box that asks before something is done. */
interface Question {
  readonly title: string;
  readonly body: readonly (Node | string)[];
  /** What the button that does it says. */
  readonly action: string;
  readonly isDanger?: boolean;
  /** Does it; what it gives is announced. The box stays where it fails. */
  readonly act: () => Promise<string | undefined>;
}

let serial = 0;

/** Asks, and does what is confirmed. */
export function ask({ title, body, action, isDanger = false, act }: Question): void {
  const problem = h('p', { class: 'problem', role: 'alert' });
  const id = `question-${++serial}`;
  const go = h('button', { type: 'button', class: isDanger ? 'danger' : 'primary' }, action);
  const cancel = h('button', { type: 'button' }, 'Cancel');
  const dialog = h(
    'dialog',
    { 'aria-labelledby': id },
    h('h2', { id }, title),
    ...body,
    problem,
    h('div', { class: 'buttons' }, go, cancel),
  );
  const submit = async (): Promise<void> => {
    go.disabled = true;
    put(problem);
    try {
      const said = await act();
      dialog.close();
      if (said) announce(said);
    } catch (error) {
      put(problem, mistake(error));
      go.disabled = false;
    }
  };
  go.addEventListener('click', () => void submit());
  cancel.addEventListener('click', () => dialog.close());
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target instanceof HTMLInputElement && event.target.type === 'text') void submit();
    event.stopPropagation();
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector<HTMLElement>('input, textarea, select')?.focus();
}

/** A field with its label. */
export function field(label: string, input: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement, hint = ''): HTMLElement {
  const id = `field-${++serial}`;
  input.id = id;
  return h('div', { class: 'field' }, h('label', { for: id }, label), input, hint === '' ? null : h('small', {}, hint));
}
