import { describe, expect, it } from 'vitest';
import type { Drop } from '../../schemas/watch.ts';
import { BLANK, Desk } from '../../workflows/desk.ts';

const drop = (n: number, key = `k${n}`): Drop => ({ hash: `h${n}`, key, version: null, etag: `e${n}`, bytes: 1, modified: n, retries: 0 });
const candidate = (n: number, again: number | null = null, key = `k${n}`): Parameters<Desk['sifted']>[0]['candidates'][number] => ({
  ...drop(n, key),
  again,
  isRunning: false,
});
const done = { state: 'done', run: 'r', out: null, message: '' } as const;
const heard = (...keys: string[]): Parameters<Desk['hear']>[0] => ({
  keys: keys.map((key) => ({ key, etags: [] })),
  signs: [],
  ignored: 0,
  dead: [],
});
/** A desk that has looked at those. */
function deskWith(...candidates: ReturnType<typeof candidate>[]): Desk {
  const desk = new Desk(BLANK);
  desk.take(candidates.map(({ key }) => ({ key, etags: [] })));
  while (!desk.isClear) {
    const keys = new Set(desk.batch().map(({ key }) => key));
    desk.sifted({ candidates: candidates.filter(({ key }) => keys.has(key)), superseded: [] }, 0);
  }
  return desk;
}

describe('the desk of a watch', () => {
  it('begins the oldest first, and never more than it may', () => {
    const desk = deskWith(candidate(3), candidate(1), candidate(2));
    for (const n of [1, 2]) {
      expect(desk.next(2)?.hash).toBe(`h${n}`);
      desk.began(drop(n), 0);
    }
    expect(desk.next(2)).toBeUndefined();
    desk.ended(drop(1), done, 0);
    expect(desk.next(2)?.hash).toBe('h3');
    desk.isPaused = true;
    expect(desk.next(2)).toBeUndefined();
  });

  it('begins versions of one object one after the other where their results have one place', () => {
    const desk = deskWith(candidate(1, null, 'a'), candidate(2, null, 'a'), candidate(3));
    desk.began(drop(1, 'a'), 0);
    expect(desk.next(5)?.hash).toBe('h3');
    desk.began(drop(3), 0);
    expect(desk.next(5)).toBeUndefined();
    desk.ended(drop(1, 'a'), done, 0);
    expect(desk.next(5)?.hash).toBe('h2');
    const versioned = deskWith({ ...candidate(1, null, 'a'), version: 'v1' }, { ...candidate(2, null, 'a'), version: 'v2' });
    versioned.began({ ...drop(1, 'a'), version: 'v1' }, 0);
    expect(versioned.next(5)?.hash).toBe('h2');
  });

  it('looks at a key once, however often it is heard of, and not while it looks at it', () => {
    const desk = new Desk(BLANK);
    desk.hear(heard('a', 'a', 'b'), 0);
    desk.hear(heard('a'), 0);
    expect(desk.batch().map(({ key }) => key)).toEqual(['a', 'b']);
    desk.hear(heard('a'), 0);
    expect(desk.isPast([{ key: 'b' }])).toBe(false);
    desk.sifted({ candidates: [], superseded: [] }, 0);
    expect([desk.isPast([{ key: 'b' }]), desk.isPast([{ key: 'a' }])]).toEqual([true, false]);
  });

  it('does not begin anew what ended while it was looked at', () => {
    const desk = deskWith(candidate(1));
    desk.began(drop(1), 0);
    desk.hear(heard('k1'), 0);
    desk.batch();
    desk.ended(drop(1), done, 0);
    desk.sifted({ candidates: [candidate(1)], superseded: [] }, 0);
    expect(desk.next(5)).toBeUndefined();
  });

  it('does not begin what is being looked at, and lets go of what is not there any more', () => {
    const desk = deskWith(candidate(1));
    desk.hear(heard('k1'), 0);
    expect(desk.batch()[0].held).toEqual([{ ...drop(1), isReady: true }]);
    expect(desk.next(5)).toBeUndefined();
    desk.sifted({ candidates: [candidate(2, null, 'k1')], superseded: [{ hash: 'h1', key: 'k1', message: 'gone' }] }, 0);
    expect(desk.next(5)?.hash).toBe('h2');
    expect(desk.status().counts).toEqual({ seen: 2, superseded: 1 });
  });

  it('looks again at what is not ready, when it is due or a sign has come', () => {
    const desk = deskWith(candidate(1, 500, 'in/a/1'), candidate(2, 900, 'in/b/2'));
    expect(desk.next(5)).toBeUndefined();
    expect(desk.wake(400)).toBe(100);
    desk.hear({ ...heard(), signs: ['in/b/'] }, 400);
    expect(desk.batch().map(({ key }) => key)).toEqual(['in/b/2']);
    desk.unsifted();
    expect(desk.wake(500)).toBe(400);
    expect(desk.batch().map(({ key }) => key)).toEqual(['in/b/2', 'in/a/1']);
  });

  it('keeps a thousand at hand, and knows that more wait in the store', () => {
    const desk = deskWith(...Array.from({ length: 1_200 }, (_, n) => candidate(n, 1_000)));
    expect([desk.status().waiting, desk.more, desk.isFull, desk.hasRoom]).toEqual([1_000, '', true, true]);
    desk.rotate();
    expect(desk.status().waiting).toBe(0);
    desk.wentOn(null);
    expect(desk.more).toBe('');
    desk.wentOn(null);
    expect(desk.more).toBeNull();
  });

  it('hears of no more while many are ready', () => {
    expect(deskWith(...Array.from({ length: 500 }, (_, n) => candidate(n))).hasRoom).toBe(false);
  });

  it('tells of trouble once, and when it is over', () => {
    const desk = new Desk(BLANK);
    for (const at of [1, 2]) desk.note('the bucket', 'away', at);
    desk.note('the queue', undefined, 3);
    expect(desk.status().trouble).toEqual({ 'the bucket': { since: 1, message: 'away' } });
    desk.note('the bucket', undefined, 4);
    expect(desk.status().news.map(({ what, about }) => [what, about])).toEqual([
      ['trouble', 'the bucket'],
      ['mended', 'the bucket'],
    ]);
  });

  it('hands all it has to its successor, also what it was looking at', () => {
    const desk = deskWith(candidate(1), candidate(2, 500), candidate(3));
    desk.began(drop(1), 0);
    desk.take([{ key: 'x', or: 'y', etags: ['e'] }]);
    desk.batch();
    const next = new Desk(JSON.parse(JSON.stringify(desk.papers())) as typeof BLANK);
    expect(next.running.map(({ hash }) => hash)).toEqual(['h1']);
    expect(next.batch()[0]).toMatchObject({ key: 'x', or: 'y', etags: ['e'] });
    expect(next.next(5)?.hash).toBe('h3');
  });
});
