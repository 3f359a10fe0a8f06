import { expect, it } from 'vitest';
import type { Checkpoints, Portable } from '../../core/plugin.ts';
import type { StepContext, StepDefinition } from '../../plugins/contract.ts';
import { testContext } from './tiny-atlas.ts';

type Outputs = Readonly<Record<string, unknown>>;
type Train = (context: StepContext) => Promise<Outputs>;

/** Keeps the last state in memory, as bytes would; throws, as a kill would end it, after so many. */
class KilledAfter implements Checkpoints {
  readonly everyMs = 0;
  saved = 0;
  #state: Portable | undefined;
  readonly #limit: number;

  constructor(limit: number, before?: KilledAfter) {
    this.#limit = limit;
    this.#state = before === undefined ? undefined : before.#state;
  }

  load(): Promise<Portable | undefined> {
    return Promise.resolve(this.#state);
  }

  save(state: Portable): Promise<void> {
    this.#state = structuredClone(state);
    this.saved++;
    return this.saved >= this.#limit ? Promise.reject(new Error('killed')) : Promise.resolve();
  }
}

/** The promises of selectors that train a network: bitwise the same end after kills, and nothing left behind on the device. */
export function testTraining(
  step: StepDefinition,
  inputs: Readonly<Record<string, unknown>>,
  params: Readonly<Record<string, unknown>>,
): void {
  const train: Train = async (context) => (await step.run(context, inputs, params)).outputs;

  it('ends the same, bit by bit, when it was killed on the way and goes on from its checkpoints', async () => {
    const whole = new KilledAfter(Number.POSITIVE_INFINITY);
    const wanted = await train(testContext({ seed: 5, checkpoints: whole }));
    expect(whole.saved).toBeGreaterThan(3);
    let before: KilledAfter | undefined;
    let done = 0;
    for (const share of [0.05, 0.3, 0.3, 0.2]) {
      const next = new KilledAfter(Math.max(1, Math.round(share * whole.saved)), before);
      await expect(train(testContext({ seed: 5, checkpoints: next }))).rejects.toThrow('killed');
      done += next.saved;
      before = next;
    }
    const last = new KilledAfter(Number.POSITIVE_INFINITY, before);
    const log: string[] = [];
    expect(await train(testContext({ seed: 5, checkpoints: last, log: (line) => void log.push(line) }))).toEqual(wanted);
    expect(log.join()).toContain('checkpoint');
    expect(done + last.saved).toBe(whole.saved);
  });

  it('leaves no tensors behind', async () => {
    const { loadBackend } = await import('../../tensor/backend.ts');
    const { tf } = await loadBackend();
    await train(testContext({ seed: 1 }));
    const before = tf.memory().numTensors;
    await train(testContext({ seed: 2 }));
    expect(tf.memory().numTensors).toBe(before);
  });
}
