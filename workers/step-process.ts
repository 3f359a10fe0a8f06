import { realpath } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { StepJob, StepOutcome } from '../activities/runner.ts';
import { checkPath } from '../core/allowed.ts';
import { isPanelflowError } from '../core/errors.ts';
import type { Checkpoints, Portable, StepContext, StepDefinition } from '../core/plugin.ts';
import type { Registry } from '../core/registry.ts';
import { replaceTexts } from '../core/replace-texts.ts';
import { isS3 } from '../core/s3-uri.ts';
import { type ArtifactStore, recordPath } from '../core/store.ts';
import { machineMemory } from '../data/memory.ts';
import { decode, encode } from '../data/portable.ts';
import { isPinned, openInput } from '../plugins/stores/s3-input.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { loadRegistry, openStore } from './compose.ts';
import { allowedPaths, hangSpansUnder, localCache } from './machine.ts';
import type { FromProcess, ToProcess } from './messages.ts';

/** Decoded inputs are kept between steps, so that a sweep reads its matrix once; at most so many bytes. */
const KEEP_BYTES = 1.5 * 2 ** 30;
/** A step has seen to its heartbeats, and what it computed is worth waiting for a store that is away. */
const PATIENCE_MS = 600_000;

const say = (message: FromProcess): void => void process.send?.(message);
const kept = new Map<string, { value: unknown; bytes: number }>();
let cancel = new AbortController();

async function load(store: ArtifactStore, ref: ArtifactRef): Promise<unknown> {
  const found = kept.get(ref.sha256);
  if (found) {
    kept.delete(ref.sha256);
    kept.set(ref.sha256, found);
    return found.value;
  }
  const value = decode(await store.get(ref));
  kept.set(ref.sha256, { value, bytes: ref.bytes });
  let total = [...kept.values()].reduce((sum, k) => sum + k.bytes, 0);
  for (const [key, { bytes }] of kept) {
    if (total <= KEEP_BYTES || key === ref.sha256) break;
    kept.delete(key);
    total -= bytes;
  }
  return value;
}

/** Checkpoints in the store, one record for each key; the one before goes when the next is safe. */
function checkpointsOf({ work, checkpoint: { key, everyMs, last } }: StepJob, log: string[]): Checkpoints {
  const store = openStore(work, PATIENCE_MS);
  const path = recordPath.checkpoint(key);
  let current = last;
  return {
    everyMs,
    load: async () => {
      const text = await store.readRecord(path);
      current = text === undefined ? last : (JSON.parse(text) as ArtifactRef);
      if (current === null) return undefined;
      try {
        return decode(await store.get(current)) as Portable;
      } catch (error) {
        log.push(`The checkpoint cannot be read, so the step starts over: ${(error as Error).message}`);
        return undefined;
      }
    },
    save: async (state) => {
      const before = current;
      const ref = await store.put(encode(state), 'checkpoint');
      await store.writeRecord(path, JSON.stringify(ref));
      current = ref;
      say({ kind: 'checkpoint', ref });
      if (before !== null && before.sha256 !== ref.sha256) await store.remove(before);
    },
  };
}

function contextOf(job: StepJob, threads: number, log: string[]): StepContext {
  let told = 0;
  const { signal } = cancel;
  return {
    seed: job.seed,
    signal,
    threads,
    memoryBytes: job.memoryBytes ?? machineMemory(),
    missing: job.missing,
    checkpoints: checkpointsOf(job, log),
    until: job.until,
    progress: (fraction, note = '') => {
      const now = Date.now();
      if (now - told < 200 && fraction < 1) return;
      told = now;
      say({ kind: 'progress', fraction, note });
    },
    log: (message) => void log.push(message),
    breathe: async () => {
      await turn();
      signal.throwIfAborted();
    },
  };
}

async function run(job: StepJob, threads: number, registry: Registry): Promise<StepOutcome> {
  const store = openStore(job.work, PATIENCE_MS);
  hangSpansUnder(job.traceparent);
  const definition = await registry.load(job.uses);
  const cpu = process.cpuUsage();
  const inputs: Record<string, unknown> = {};
  for (const [port, input] of Object.entries(job.inputs)) {
    if ('sha256' in input) inputs[port] = await load(store, input);
    else {
      const list = [];
      for (const { ref, cell } of input) list.push({ value: await load(store, ref), cell });
      inputs[port] = list;
    }
  }
  const log: string[] = [];
  const params = await withLocalFiles(definition, definition.params.parse(job.params));
  const result = await definition.run(contextOf(job, threads, log), inputs, params);
  const outputs: Record<string, ArtifactRef> = {};
  for (const [port, type] of Object.entries(definition.outputs)) outputs[port] = await store.put(encode(result.outputs[port]), type);
  const used = process.cpuUsage(cpu);
  return { outputs, facts: result.facts ?? {}, log, cpuMs: Math.round((used.user + used.system) / 1000), peakRssBytes: null, ms: 0 };
}

/** Params in which a file of this machine stands in for each object in S3, so that no step has to know of S3. */
async function withLocalFiles(definition: StepDefinition, params: Record<string, unknown>): Promise<Record<string, unknown>> {
  const local = new Map<string, string>();
  const allowed = allowedPaths();
  for (const path of definition.files?.(params) ?? []) {
    if (allowed) checkPath(isS3(path) ? path : await realpath(path), allowed);
    if (isPinned(path)) local.set(path, await openInput(path, localCache()));
  }
  return replaceTexts(params, (text) => local.get(text));
}

/** Ends this process when its parent is gone, also while a step keeps the event loop busy. */
function dieWithParent(): void {
  const watch = `const parent = ${process.ppid}; setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 1000);`;
  new Worker(watch, { eval: true }).unref();
  process.on('disconnect', () => process.exit(0));
}

async function main(): Promise<void> {
  dieWithParent();
  const registry = await loadRegistry(JSON.parse(process.argv[2] ?? '[]') as string[]);
  process.on('message', (message: ToProcess) => {
    if (message.kind === 'cancel') return cancel.abort();
    cancel = new AbortController();
    void run(message.job, message.threads, registry).then(
      (outcome) => say({ kind: 'done', outcome }),
      async (error: unknown) => {
        // Temporal's modules come with it: half of what this process would load, and no use to a step that ends well.
        const { errorRecord } = await import('../activities/failure.ts');
        if (!isPanelflowError(error)) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
        say({ kind: 'failed', error: errorRecord(error), retryable: isPanelflowError(error) && error.retryable });
      },
    );
  });
  say({ kind: 'ready' });
}

// Ctrl-C reaches the whole group; the parent decides what becomes of a running step.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => process.exit(0));
await main();
