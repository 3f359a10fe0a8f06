import { describe, expect, it } from 'vitest';
import type { TaskEnd } from '../../schemas/run.ts';
import { type Outcome, Scheduler, type Work } from '../../workflows/scheduler.ts';

const done = (ms = 1): TaskEnd => ({ status: 'COMPLETED', ms });
const work = (id: string, needs: string[] = [], waits: string[] = []): Work => ({ id, lane: id.split('-')[0], needs, waits });

/** A crew that does nothing until it is told how a batch ends. */
class Crew {
  readonly batches: {
    ids: string[];
    end: (...ends: TaskEnd[]) => Promise<void>;
    isCancelled: boolean;
    fail: (error: Error) => Promise<void>;
  }[] = [];
  readonly outcomes: Record<string, Outcome> = {};
  readonly unwanted = new Set<string>();
  readonly naps: (() => void)[] = [];
  readonly scheduler = new Scheduler<Work>(
    {
      begin: (works) => {
        let end!: (ends: TaskEnd[]) => void;
        let fail!: (error: Error) => void;
        const ended = new Promise<TaskEnd[]>((resolve, reject) => ([end, fail] = [resolve, reject]));
        const batch = {
          ids: works.map((w) => w.id),
          isCancelled: false,
          end: async (...ends: TaskEnd[]) => {
            end(works.map((_, i) => ends[i] ?? ends[0] ?? done()));
            await turn();
          },
          fail: async (error: Error) => {
            fail(error);
            await turn();
          },
        };
        this.batches.push(batch);
        return { ended, cancel: () => (batch.isCancelled = true) };
      },
      sleep: () => new Promise((wake) => this.naps.push(wake)),
      most: (lane) => (lane === 'narrow' ? 2 : 100),
      mayJoin: (lane) => lane !== 'narrow',
      admits: (w) => !this.unwanted.has(w.id),
      gathers: (w) => w.waits.length > 0,
      began: () => {},
      ended: (w, outcome) => (this.outcomes[w.id] = outcome),
      anew: (w) => delete this.outcomes[w.id],
    },
    50,
  );

  get begun(): string[] {
    return this.batches.flatMap((b) => b.ids);
  }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const many = (lane: string, n: number, needs: string[] = []): Work[] => Array.from({ length: n }, (_, i) => work(`${lane}-${i}`, needs));

describe('the scheduler', () => {
  it('begins what is ready, then what needs it; skips what needs a failed one; lets what gathers run with holes', async () => {
    const crew = new Crew();
    crew.scheduler.add([
      work('a-0'),
      work('b-0', ['a-0']),
      work('b-1', ['a-0']),
      work('c-0', ['b-0']),
      work('c-1', ['b-1']),
      work('d-0', [], ['c-0', 'c-1']),
    ]);
    expect(crew.begun).toEqual(['a-0']);
    await crew.batches[0].end();
    expect(crew.begun).toEqual(['a-0', 'b-0', 'b-1']);
    await crew.batches[1].end({ status: 'FAILED', ms: 0 });
    await crew.batches[2].end();
    await crew.batches[3].end();
    expect(crew.outcomes).toMatchObject({ 'b-0': 'FAILED', 'c-0': 'SKIPPED', 'c-1': 'COMPLETED' });
    expect(crew.begun.at(-1)).toBe('d-0');
    expect(crew.scheduler.isIdle).toBe(false);
    await crew.batches.at(-1)!.end();
    expect(crew.scheduler.isIdle).toBe(true);
  });

  it('does quick works together once it knows that they are quick, and slow ones one by one', async () => {
    const quick = new Crew();
    quick.scheduler.add(many('a', 200));
    expect(quick.batches.map((b) => b.ids.length)).toEqual(Array(8).fill(1));
    await quick.batches[0].end(done(5));
    expect(quick.batches.slice(8).reduce((sum, b) => sum + b.ids.length, 0)).toBe(192);
    expect(Math.max(...quick.batches.map((b) => b.ids.length))).toBeLessThanOrEqual(100);
    expect(quick.batches.length).toBeLessThan(30);
    const slow = new Crew();
    slow.scheduler.add(many('a', 20));
    await slow.batches[0].end(done(5_000));
    expect(slow.batches.every((b) => b.ids.length === 1)).toBe(true);
    expect(slow.begun).toHaveLength(20);
  });

  it('waits a second at most to find out, and keeps within the window', async () => {
    const crew = new Crew();
    crew.scheduler.add(many('a', 200));
    expect(crew.begun).toHaveLength(8);
    crew.naps[0]();
    await turn();
    expect(crew.begun).toHaveLength(50);
  });

  it('takes what failed in company alone, first', async () => {
    const crew = new Crew();
    crew.scheduler.add(many('a', 30));
    for (const batch of crew.batches.slice(0, 8)) await batch.end(done(100));
    const company = crew.batches.find((b) => b.ids.length > 1)!;
    await company.end(done(), { status: 'AGAIN', ms: 0 });
    for (const batch of crew.batches) if (batch !== company) await batch.end(done(100));
    expect(crew.batches.find((b) => b.ids.length === 1 && b.ids[0] === company.ids[1])).toBeDefined();
    for (const batch of crew.batches) await batch.end(done(100));
    expect(crew.scheduler.isIdle).toBe(true);
    expect(Object.values(crew.outcomes).every((o) => o === 'COMPLETED')).toBe(true);
  });

  it('begins nothing while held, and goes on when released', async () => {
    const crew = new Crew();
    crew.scheduler.hold();
    crew.scheduler.add([work('a-0')]);
    expect(crew.begun).toEqual([]);
    crew.scheduler.release();
    expect(crew.begun).toEqual(['a-0']);
  });

  it('drops works: waiting ones never begin, those under way are cancelled, and what gathers goes on without them', async () => {
    const crew = new Crew();
    crew.scheduler.add([work('a-0'), work('a-1'), work('b-0', ['a-0']), work('d-0', [], ['a-0', 'a-1', 'b-0'])]);
    crew.scheduler.drop(new Set(['a-0', 'b-0']));
    expect(crew.batches[0].isCancelled).toBe(true);
    expect(crew.batches[1].isCancelled).toBe(false);
    await crew.batches[0].fail(new Error('cancelled'));
    expect(crew.scheduler.broken).toBeUndefined();
    await crew.batches[1].end();
    expect(crew.begun).toEqual(['a-0', 'a-1', 'd-0']);
    expect(crew.outcomes).toMatchObject({ 'a-0': 'DROPPED', 'b-0': 'DROPPED' });
  });

  it('takes new works at any time, also after ones that have ended', async () => {
    const crew = new Crew();
    crew.scheduler.add([work('a-0'), work('d-0', [], ['a-0'])]);
    await crew.batches[0].end();
    await crew.batches[1].end();
    crew.scheduler.add([work('b-0', ['a-0']), work('d-1', [], ['a-0', 'b-0'])]);
    expect(crew.begun.at(-1)).toBe('b-0');
    await crew.batches.at(-1)!.end();
    expect(crew.begun.at(-1)).toBe('d-1');
  });

  it('does failed works anew with all that was skipped for them or gathered without them', async () => {
    const crew = new Crew();
    crew.scheduler.add([work('a-0'), work('a-1'), work('b-0', ['a-0']), work('d-0', [], ['b-0', 'a-1'])]);
    await crew.batches[0].end({ status: 'FAILED', ms: 0 });
    await crew.batches[1].end();
    await crew.batches[2].end();
    expect(crew.scheduler.isIdle).toBe(true);
    expect(crew.scheduler.retry((_, outcome) => outcome === 'FAILED')).toBe(1);
    expect(crew.begun.slice(3)).toEqual(['a-0']);
    await crew.batches[3].end();
    await crew.batches[4].end();
    await crew.batches[5].end();
    expect(crew.begun.slice(3)).toEqual(['a-0', 'b-0', 'd-0']);
    expect(Object.values(crew.outcomes)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED', 'COMPLETED']);
  });

  it('stops softly: what is under way ends, what gathers reports, the rest is skipped', async () => {
    const crew = new Crew();
    crew.scheduler.add([work('a-0'), work('b-0', ['a-0']), work('d-0', [], ['a-0', 'b-0']), work('e-0', ['d-0'])]);
    crew.scheduler.stop();
    await crew.batches[0].end();
    await crew.batches[1].end();
    expect(crew.begun).toEqual(['a-0', 'd-0', 'e-0']);
    expect(crew.outcomes['b-0']).toBe('SKIPPED');
  });

  it('says what broke it when its crew rejects', async () => {
    const crew = new Crew();
    crew.scheduler.add([work('a-0')]);
    await crew.batches[0].fail(new Error('cancelled'));
    expect(crew.scheduler.broken).toMatchObject({ error: { message: 'cancelled' } });
  });

  it('drops what is not admitted when its turn comes, with all that needs it', async () => {
    const crew = new Crew();
    crew.scheduler.add([work('a-0'), work('b-0', [], ['a-0']), work('c-0', ['b-0']), work('d-0', [], ['c-0'])]);
    crew.unwanted.add('b-0');
    await crew.batches[0].end();
    expect(crew.outcomes).toMatchObject({ 'b-0': 'DROPPED', 'c-0': 'DROPPED' });
    expect(crew.begun).toEqual(['a-0', 'd-0']);
  });

  it('does no more works of a lane at a time than it may', async () => {
    const crew = new Crew();
    crew.scheduler.add(many('narrow', 5));
    expect(crew.begun).toHaveLength(2);
    await crew.batches[0].end();
    expect(crew.begun).toHaveLength(3);
  });
});
