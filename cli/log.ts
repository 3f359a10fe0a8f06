import { taskName } from '../core/task-name.ts';
import { ConfigError } from '../core/errors.ts';
import type { TaskEvent } from '../activities/task-event.ts';
import { say } from './print.ts';

/** Says a line, with what it is about; `level` is for machines that sort lines. */
export type Log = (level: 'info' | 'warn' | 'error', message: string, about?: Readonly<Record<string, unknown>>) => void;

/** How a command that serves says what it does, on standard error: lines for people, or one JSON object a line with time, level and message. */
export function logAs(format: string): Log {
  if (format === 'text') return (_level, message) => say(message);
  if (format !== 'json') throw new ConfigError(`There is no log format "${format}"`, { mend: 'Write --log text or --log json.' });
  return (level, message, about = {}) => say(JSON.stringify({ time: new Date().toISOString(), level, message, ...about }));
}

const LEVELS: Partial<Record<TaskEvent['status'], 'warn' | 'error'>> = { FAILED: 'error', AGAIN: 'warn', ABORTED: 'warn' };

/** A line for what becomes of a task. */
export function logTask(log: Log, { status, message, axes: _axes, at: _at, worker: _worker, ...event }: TaskEvent, trace?: string): void {
  const how = status === 'AGAIN' ? 'failed, and is tried again' : status.toLowerCase();
  const line = `${taskName({ step: event.step, label: event.cell })}: ${how}`;
  log(LEVELS[status] ?? 'info', line, {
    ...event,
    status,
    ...(message === undefined ? {} : { error: message }),
    ...(trace === undefined ? {} : { trace_id: trace }),
  });
}
