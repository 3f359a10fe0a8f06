import type { Done, Problem } from './shapes.ts';

/** What went wrong, as the server says it. */
export class ApiError extends Error {
  readonly mend: string;

  constructor({ message, mend = '' }: Problem) {
    super(message);
    this.mend = mend;
  }
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  const response = await fetch(path, init).catch(() => {
    throw new ApiError({ code: 'AWAY', message: 'The dashboard does not answer', mend: 'Start `panelflow ui` again.' });
  });
  const value = (await response.json()) as T | Problem;
  if (!response.ok) throw new ApiError(value as Problem);
  return value as T;
}

export const get = <T>(path: string): Promise<T> => ask<T>(path, {});

export const post = (path: string, body: object): Promise<Done> =>
  ask<Done>(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

/** The path of something about a run. */
export const runPath = (run: string, ...rest: string[]): string => ['/api/runs', ...[run, ...rest].map(encodeURIComponent)].join('/');

/**
 * Follows a line of the server; `isThere` tells whether it holds. A page that nobody sees lets go of its line, since a browser has only a
 * few for one server. Gives a way to end.
 */
export function follow(path: string, tell: (value: unknown) => void, isThere: (holds: boolean) => void): () => void {
  let source: EventSource | undefined;
  const open = (): void => {
    source = new EventSource(path);
    source.addEventListener('message', ({ data }) => {
      isThere(true);
      const value = JSON.parse(data as string) as unknown;
      if (value === null || typeof value !== 'object' || !('problem' in value)) tell(value);
    });
    source.addEventListener('error', () => isThere(false));
  };
  const turn = (): void => {
    source?.close();
    source = undefined;
    if (!document.hidden) open();
  };
  document.addEventListener('visibilitychange', turn);
  turn();
  return () => {
    document.removeEventListener('visibilitychange', turn);
    source?.close();
  };
}
