import { totalmem } from 'node:os';

/** All of the machine's memory in bytes, or what a container leaves of it. */
export function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
