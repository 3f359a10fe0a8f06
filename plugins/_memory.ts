import { ResourceError } from '../core/errors.ts';
import type { StepContext } from './contract.ts';

const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GB`;

/** Refuses a step before its work starts when it needs more memory than it may take; trying again would not help. */
export function requireMemory(
  context: StepContext,
  bytes: number,
  about: { readonly step: string; readonly size: Readonly<Record<string, number>>; readonly mend: string },
): void {
  if (bytes <= context.memoryBytes) return;
  const { step, size, mend } = about;
  const what = Object.entries(size).map(([name, n]) => `${n} ${name}`);
  throw new ResourceError(
    `${step} needs about ${gigabytes(bytes)} of memory for ${what.join(' and ')}, and may take ${gigabytes(context.memoryBytes)}`,
    { context: { step, ...size }, retryable: false, mend },
  );
}
