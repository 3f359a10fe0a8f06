import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { Project } from './_engine.ts';
import { type Recorded, historiesOf, HISTORIES, historyFile, SCENARIOS } from './_histories.ts';

type History = Parameters<typeof Worker.runReplayHistory>[1];

/** Histories are recorded with UPDATE_HISTORIES=1 (all) or UPDATE_HISTORIES=name. */
const wanted = process.env.UPDATE_HISTORIES;
const read = (name: string): Recorded[] => JSON.parse(gunzipSync(readFileSync(historyFile(name))).toString('utf8')) as Recorded[];
const BUNDLE = { codePath: resolve('dist/workflow-bundle.cjs') };

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (wanted !== '1' && wanted !== name) continue;
  it(`records ${name}`, async () => {
    const project = new Project();
    try {
      await scenario(project);
      const histories = await historiesOf(project, name);
      expect(histories.length).toBeGreaterThan(0);
      mkdirSync(HISTORIES, { recursive: true });
      writeFileSync(historyFile(name), gzipSync(JSON.stringify(histories), { level: 9 }));
    } finally {
      await project.close();
    }
  });
}

describe('a run that began with an earlier build goes on with this one', () => {
  const recorded = existsSync(HISTORIES) ? readdirSync(HISTORIES).map((file) => file.replace('.json.gz', '')) : [];

  it('for every scenario there is a recorded history', () => {
    expect(recorded.toSorted()).toEqual(Object.keys(SCENARIOS).toSorted());
  });

  it.each(recorded)('%s replays', async (name) => {
    try {
      Runtime.install({ logger: new DefaultLogger('ERROR') });
    } catch {
      // Another test of this file did.
    }
    for (const { id, history } of read(name)) await Worker.runReplayHistory({ workflowBundle: BUNDLE }, history, id);
  });

  it('and a history that this build would not have made is told', async () => {
    const [{ id, history }] = read('plain') as { id: string; history: { events: Record<string, any>[] } }[];
    const event = history.events.find((e) => e.activityTaskScheduledEventAttributes?.activityType?.name === 'toy/add')!;
    event.activityTaskScheduledEventAttributes.activityType.name = 'toy/other';
    await expect(Worker.runReplayHistory({ workflowBundle: BUNDLE }, history as History, id)).rejects.toThrow(/TMPRL1100|nondetermin/i);
  });
});
