import { setTimeout as sleep } from 'node:timers/promises';

/** Something is looked at at most so often, and at most one part in so many of the time. */
const TICK_MS = 1_000;
const LEISURE = 10;
const MOST_MS = 10_000;

interface Topic {
  readonly listeners: Set<(text: string) => void>;
  last: string | undefined;
}

/** Looks at what pages want to follow, once for all of them, and tells them when it has changed. It rests while nobody listens. */
export class Pulse {
  readonly #topics = new Map<string, Topic>();

  /** Follows a topic: `look` reads it, `tell` gets it as JSON at once and after each change. Gives a way to leave. */
  join(name: string, look: () => Promise<unknown>, tell: (text: string) => void): () => void {
    const known = this.#topics.get(name);
    const topic: Topic = known ?? { listeners: new Set(), last: undefined };
    topic.listeners.add(tell);
    if (known?.last !== undefined) tell(known.last);
    if (!known) {
      this.#topics.set(name, topic);
      void this.#beat(name, topic, look);
    }
    return () => void topic.listeners.delete(tell);
  }

  async #beat(name: string, topic: Topic, look: () => Promise<unknown>): Promise<void> {
    while (topic.listeners.size > 0) {
      const start = Date.now();
      const text = await look().then(
        (value) => JSON.stringify(value),
        (error: unknown) => JSON.stringify({ problem: error instanceof Error ? error.message : String(error) }),
      );
      if (text !== topic.last) for (const tell of topic.listeners) tell(text);
      topic.last = text;
      await sleep(Math.min(MOST_MS, Math.max(TICK_MS, LEISURE * (Date.now() - start))), undefined, { ref: false });
    }
    this.#topics.delete(name);
  }
}
