import { CompileError } from '../core/problem.ts';
import { isPanelflowError } from '../core/errors.ts';
import { plainText } from '../core/plain-text.ts';
import type { SourceFile } from '../runs/source-file.ts';

/** True when colours are welcome on that stream. */
export const colourful = (stream: NodeJS.WriteStream): boolean => stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

/** True when a picture that is painted over is welcome on standard error. */
export const isLive = (): boolean => process.stderr.isTTY && !process.env.CI;

const ESCAPE = '\u001b';
const paint =
  (code: string) =>
  (text: string): string =>
    colourful(process.stderr) ? `${ESCAPE}[${code}m${text}${ESCAPE}[0m` : text;
export const red = paint('31');
export const green = paint('32');
export const dim = paint('2');
export const bold = paint('1');

/** The colours above. */
const PAINT = new RegExp(`(${ESCAPE}\\[(?:0|1|2|31|32)m)`);
/** Text with our own colours; names and messages of others move no cursor. */
const shown = (text: string): string =>
  text
    .split(PAINT)
    .map((part, i) => (i % 2 === 1 ? part : plainText(part)))
    .join('');

/** A line for people, on standard error: standard output is for results. */
export const say = (line = ''): void => void process.stderr.write(`${shown(line)}\n`);

/** Results, on standard output. */
export const print = (text: string): void => void process.stdout.write(`${shown(text)}\n`);

/** 3.2 s, 4 min 10 s, 2 h 3 min. */
export function duration(ms: number): string {
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
}

/** 12 bytes, 3.4 kB, 1.2 GB; units as everywhere here are powers of 1024. */
export function size(bytes: number): string {
  const unit = Math.min(4, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return unit === 0 ? `${bytes} bytes` : `${(bytes / 1024 ** unit).toFixed(1)} ${['kB', 'MB', 'GB', 'TB'][unit - 1]}`;
}

/** A line that is written over is written at most so often. */
const TICK_MS = 100;
let ticked = 0;

/** A line on standard error that is written over, for work that takes long; nothing where standard error is no terminal. An empty text takes it away. */
export function tick(text: string): void {
  if (!isLive() || (text !== '' && Date.now() - ticked < TICK_MS)) return;
  ticked = Date.now();
  process.stderr.write(`\r${ESCAPE}[K${text}`);
}

/** One error as a person should see it: what, where, how to mend; never a stack. `source` adds the place of a value in the user's file. */
export function errorText(
  error: { message: string; mend?: string | undefined; context?: Readonly<Record<string, string | number>> },
  source?: SourceFile,
): string {
  const context = Object.entries(error.context ?? {});
  const place = context.map(([, value]) => source?.find(value)).find((p) => p !== undefined);
  const facts = context.map(([key, value]) => `[${key}=${value}]`).join(' ');
  return [`${place ? `${place}: ` : ''}${error.message}${facts ? ` ${facts}` : ''}`, ...(error.mend ? [`  ${error.mend}`] : [])].join('\n');
}

/** Prints an error and gives the exit code: 2 for a wrong file or flag, 1 for the rest. */
export function fail(error: unknown, json = false): number {
  const ours = isPanelflowError(error);
  const code = ours ? error.code : 'BUG';
  if (json)
    process.stdout.write(
      `${JSON.stringify({ event: 'error', code, message: (error as Error).message, ...(ours ? { mend: error.mend, context: error.context } : {}) })}\n`,
    );
  else if (ours) say(`${red('error')} ${errorText(error instanceof CompileError ? { message: error.message } : error)}`);
  else
    say(
      `${red('error')} Unexpected: ${error instanceof Error ? error.message : String(error)}\n  This is a fault of panelflow. PANELFLOW_DEBUG=1 shows where; please report it.`,
    );
  if (process.env.PANELFLOW_DEBUG) say(error instanceof Error ? error.stack : undefined);
  return exitCode(error);
}

/** 2 for a wrong file or flag, 1 for any other error. */
export function exitCode(error: unknown): number {
  return isPanelflowError(error) && (error.code === 'CONFIG' || error.code === 'PLUGIN') ? 2 : 1;
}

/** Columns padded to the widest cell; numbers to the right. */
export function table(rows: readonly (readonly (string | number)[])[], header: readonly string[]): string {
  const text = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, i) => Math.max(...text.map((row) => row[i]?.length ?? 0)));
  const right = header.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number'));
  return text
    .map((row) =>
      row
        .map((cell, i) => (right[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
