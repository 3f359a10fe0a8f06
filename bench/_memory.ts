import { readFileSync, writeFileSync } from 'node:fs';

/** What a process says of its own memory, in MB. */
export interface MemoryWatch {
  /** Most that the process ever held. */
  readonly peak: () => number;
  /** Most that it held since the watch began, beyond what it held then. */
  readonly added: () => number;
}

/**
 * Watches this process's memory from now on. On Linux by its own high-water mark, begun anew: `maxRSS` of getrusage is at least that of
 * the process that started this one, and says nothing of what came after loading. Elsewhere by `maxRSS`.
 */
export function watchMemory(): MemoryWatch {
  const before = highWater();
  let reset = false;
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    reset = true;
  } catch {
    // No such file, or not allowed: the mark goes on from where it stands.
  }
  const start = reset ? highWater() : process.memoryUsage.rss() / 2 ** 20;
  return { peak: () => Math.max(before, highWater()), added: () => Math.max(0, highWater() - start) };
}

function highWater(): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}
