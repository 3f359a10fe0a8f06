import type { ArtifactStore } from '../core/store.ts';
import type { TaskRecord } from '../schemas/run.ts';
import { abreast } from '../runs/abreast.ts';

/** Notes in records of tasks that an output has gone, so that a run that is taken up computes it anew where it is needed. */
export async function markGone(store: ArtifactStore, paths: Iterable<string>): Promise<void> {
  await abreast(new Set(paths), async (path) => {
    const text = await store.readRecord(path);
    if (text !== undefined) await store.writeRecord(path, JSON.stringify({ ...(JSON.parse(text) as TaskRecord), gone: true }));
  });
}
