import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { isPanelflowError } from '../../core/errors.ts';

/** One hostile input: what is tried with it, and the code of the error that refuses it. */
export interface Hostile {
  readonly name: string;
  readonly try: () => unknown;
  readonly code: 'CONFIG' | 'DATA' | 'PLUGIN' | 'RESOURCE' | 'ARTIFACT' | 'TIMEOUT';
  readonly says: RegExp;
}

/** No refusal takes longer, in milliseconds; most take less than one. */
const BOUND_MS = 15_000;
/** No message is longer, whatever names it quotes. */
const MOST_CHARACTERS = 20_000;

/** Every row is refused: soon, by one error of ours with its code, a mend, and no stack. */
export function refused(rows: readonly Hostile[]): void {
  it.each(rows)('$name', { timeout: BOUND_MS }, async ({ try: attempt, code, says }) => {
    const error: unknown = await Promise.resolve()
      .then(attempt)
      .then(
        (value) => new Error(`It was taken, and gave ${JSON.stringify(value)?.slice(0, 200)}`),
        (refusal: unknown) => refusal,
      );
    if (!isPanelflowError(error)) throw error;
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(says)]);
    expect(error.mend ?? error.message, 'it says how to mend').toMatch(/\w/);
    expect(error.message.length).toBeLessThanOrEqual(MOST_CHARACTERS);
    expect(error.message).not.toMatch(/^\s+at \S+ \(/m);
  });
}

/** A folder for one file of tests, which goes at its end. */
export function scratch(): {
  readonly folder: string;
  readonly at: (name: string) => string;
  readonly write: (name: string, content: string | Uint8Array) => string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'panelflow-hostile-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  return {
    folder,
    at,
    write: (name, content) => {
      mkdirSync(dirname(at(name)), { recursive: true });
      writeFileSync(at(name), content);
      return at(name);
    },
  };
}
