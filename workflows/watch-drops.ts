import {
  ActivityCancellationType,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setHandler,
  startChild,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import type { Heard } from '../activities/hear.ts';
import type { DropEnd, WatchActivities, WatchRef } from '../activities/watch.ts';
import type { Drop, WatchPace, WatchStatus } from '../schemas/watch.ts';
import { messageOf } from './failure-message.ts';
import { BLANK, Desk, type Papers } from './desk.ts';
import { pingSignal, runDrop } from './run-drop.ts';

const options = {
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10s', maximumAttempts: 3 },
} as const;
const {
  'watch/list': list,
  'watch/sift': sift,
  'watch/recall': recall,
  'watch/settle': settle,
  'watch/again': again,
  'watch/end': end,
} = proxyActivities<WatchActivities>(options);
const { 'watch/receive': receive } = proxyActivities<WatchActivities>({
  ...options,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/** What does not work is tried again after so long, for ever. */
const AGAIN_MS = 15_000;
/** Whether runs still go on is asked so often. */
const CHECK_MS = 10 * 60_000;
/** What waits in the store comes to hand in turns, so often at most. */
const TURN_MS = 10_000;
const RECALLED = 500;
/** Of 51,200 events that a history may have. */
const LONGEST = 40_000;

export interface WatchInput {
  readonly watch: WatchRef;
  readonly pace: WatchPace;
  /** What the execution before had at hand, where it knew what the store knows. */
  readonly papers?: Papers | undefined;
}

/** Events that came by a webhook. */
export const heardSignal = defineSignal<[Heard]>('heard');
/** A run has ended. */
export const endedSignal = defineSignal<[Pick<Drop, 'hash' | 'key'>, DropEnd]>('ended');
/** The watch was set up anew: what it reads stands in the store. */
export const paceSignal = defineSignal<[WatchPace]>('pace');
export const orderSignal = defineSignal<['pause' | 'resume' | 'stop']>('watchOrder');
/** Versions that failed or were refused are to run again. */
export const againSignal = defineSignal<[readonly string[]]>('again');
export const statusQuery = defineQuery<WatchStatus>('watch');

export const dropWorkflow = (watch: string, { hash, retries }: Pick<Drop, 'hash' | 'retries'>): string =>
  `drop-${watch}-${hash}${retries === 0 ? '' : `-${retries}`}`;

/**
 * Watches a bucket: hears of objects from a webhook, a queue, and by looking, all of which are but hints; asks the bucket what is there; and
 * starts one run for each version. Ends when it is told to.
 */
export async function watchDrops(input: WatchInput): Promise<void> {
  await new Watch(input).run();
}

class Watch {
  readonly #watch: WatchRef;
  readonly #desk: Desk;
  #pace: WatchPace;
  #isLeaving = false;
  #again: string[] = [];
  /** Runs that may have ended unheard are asked after at once. */
  #isInDoubt: boolean;
  /** What runs is known. */
  #isRecalled: boolean;
  #listening: CancellationScope | undefined;
  /** Not known yet to have begun. */
  #starting: string | undefined;

  constructor({ watch, pace, papers }: WatchInput) {
    this.#watch = watch;
    this.#pace = pace;
    this.#desk = new Desk(papers ?? BLANK);
    this.#isInDoubt = papers === undefined;
    this.#isRecalled = papers !== undefined;
  }

  async run(): Promise<void> {
    this.#listen();
    const loops = [this.#recall(), this.#sift(), this.#start(), this.#poll(), this.#receive(), this.#check(), this.#retry()];
    const broken = Promise.all(loops);
    await Promise.race([broken, condition(() => this.#desk.isStopping || this.#isLong())]);
    this.#isLeaving = true;
    this.#listening?.cancel();
    await broken;
    if (this.#desk.isStopping) return;
    const papers = this.#isRecalled ? this.#desk.papers() : undefined;
    await continueAsNew<typeof watchDrops>({ watch: this.#watch, pace: this.#pace, papers });
  }

  /** True when this execution has grown so long that another one should go on; at the latest, before the server ends it. */
  #isLong(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested && (this.#desk.isHandy || historyLength > LONGEST);
  }

  #listen(): void {
    setHandler(statusQuery, () => this.#desk.status());
    setHandler(heardSignal, (heard) => this.#desk.hear(heard, Date.now()));
    setHandler(endedSignal, (drop, end) => this.#desk.ended(drop, end, Date.now()));
    setHandler(paceSignal, (pace) => {
      if (pace.queue !== this.#pace.queue) this.#listening?.cancel();
      this.#pace = pace;
    });
    setHandler(againSignal, (hashes) => void this.#again.push(...hashes));
    setHandler(orderSignal, (order) => {
      if (order === 'stop') this.#desk.isStopping = true;
      else this.#desk.isPaused = order === 'pause';
    });
  }

  /** Does something until it leaves; what fails is noted, and done again after a pause. */
  async #untilLeaving(what: string, turn: () => Promise<void>): Promise<void> {
    while (!this.#isLeaving) {
      try {
        await turn();
        this.#desk.note(what, undefined, Date.now());
      } catch (error) {
        if (isCancellation(error)) {
          if (CancellationScope.current().consideredCancelled) throw error;
          continue;
        }
        this.#desk.note(what, messageOf(error), Date.now());
        await condition(() => this.#isLeaving, AGAIN_MS);
      }
    }
  }

  /** What the store knows that waits, and what runs, comes to hand. */
  #recall(): Promise<void> {
    return this.#untilLeaving('the store', async () => {
      const desk = this.#desk;
      await condition(() => this.#isLeaving || !this.#isRecalled || (desk.more !== null && desk.isClear));
      if (this.#isRecalled) {
        await condition(() => this.#isLeaving || !desk.isFull || desk.mayRotate);
        // What is at hand and not ready has been looked at: others get their turn.
        if (desk.isFull) await condition(() => this.#isLeaving || !desk.isFull, TURN_MS);
        if (desk.isFull && !this.#isLeaving) desk.rotate();
      }
      if (this.#isLeaving || (this.#isRecalled && desk.isFull)) return;
      if (desk.more !== null) {
        const { keys, running, next } = await recall(this.#watch, { after: desk.more, most: RECALLED, held: desk.held });
        desk.recall(keys, this.#isRecalled ? [] : running, Date.now());
        desk.wentOn(next);
      }
      this.#isRecalled = true;
    });
  }

  /** What was heard of is looked at in the bucket. */
  #sift(): Promise<void> {
    return this.#untilLeaving('the bucket', async () => {
      const due = this.#desk.wake(Date.now());
      const isBusy = (): boolean => this.#isLeaving || (this.#isRecalled && !this.#desk.isClear);
      if (due === undefined) await condition(isBusy);
      else await condition(isBusy, due);
      if (this.#isLeaving || this.#desk.isClear) return;
      const batch = this.#desk.batch();
      try {
        this.#desk.sifted(await sift(this.#watch, batch), Date.now());
      } catch (error) {
        this.#desk.unsifted();
        throw error;
      }
    });
  }

  #start(): Promise<void> {
    return this.#untilLeaving('the start of runs', async () => {
      await condition(() => this.#isLeaving || (this.#isRecalled && this.#desk.next(this.#pace.most) !== undefined));
      const drop = this.#isLeaving ? undefined : this.#desk.next(this.#pace.most);
      if (!drop) return;
      this.#desk.began(drop, Date.now());
      this.#starting = drop.hash;
      try {
        await startChild(runDrop, {
          args: [{ watch: this.#watch, drop }],
          workflowId: dropWorkflow(this.#watch.name, drop),
          workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
          parentClosePolicy: ParentClosePolicy.ABANDON,
          staticSummary: drop.key,
        });
      } catch (error) {
        // It was started before; whether it still goes on is asked at once.
        if ((error as Error).name !== 'WorkflowExecutionAlreadyStartedError') throw error;
        this.#isInDoubt = true;
      } finally {
        this.#starting = undefined;
      }
    });
  }

  #poll(): Promise<void> {
    let after = '';
    return this.#untilLeaving('the list of the bucket', async () => {
      const isWanted = (): boolean => this.#pace.pollMs > 0 || this.#desk.isBehind;
      await condition(() => this.#isLeaving || (this.#isRecalled && isWanted() && this.#desk.hasRoom));
      if (this.#isLeaving) return;
      const { keys, next } = await list(this.#watch, after);
      this.#desk.take(keys.map((key) => ({ key, etags: [] })));
      after = next ?? '';
      if (next !== null) {
        await condition(() => this.#isLeaving || this.#desk.isPast(keys.map((key) => ({ key }))));
        return;
      }
      this.#desk.isBehind = false;
      this.#desk.note('the list of the bucket', undefined, Date.now());
      const { pollMs } = this.#pace;
      if (pollMs > 0) await condition(() => this.#isLeaving || this.#pace.pollMs !== pollMs, pollMs);
    });
  }

  #receive(): Promise<void> {
    return this.#untilLeaving('the queue', async () => {
      await condition(() => this.#isLeaving || (this.#isRecalled && this.#pace.queue !== null && this.#desk.hasRoom));
      const { queue } = this.#pace;
      if (this.#isLeaving || queue === null) return;
      const { receipts, ...heard } = await (this.#listening = new CancellationScope()).run(() => receive(this.#watch, queue));
      this.#desk.note('the queue', undefined, Date.now());
      this.#desk.hear(heard, Date.now());
      // Only what the ledger knows of is taken out of the queue.
      await condition(() => this.#isLeaving || this.#desk.isPast(heard.keys));
      if (receipts.length > 0 && this.#desk.isPast(heard.keys)) await settle(queue, receipts);
    });
  }

  /** Runs that were ended from outside would never be heard of. */
  #check(): Promise<void> {
    return this.#untilLeaving('runs', async () => {
      await condition(() => this.#isLeaving || (this.#isRecalled && this.#isInDoubt), CHECK_MS);
      if (this.#isLeaving) return;
      this.#isInDoubt = false;
      for (const drop of this.#desk.running) {
        if (drop.hash === this.#starting) continue;
        const isOpen = await getExternalWorkflowHandle(dropWorkflow(this.#watch.name, drop))
          .signal(pingSignal)
          .then(
            () => true,
            () => false,
          );
        if (isOpen || this.#isLeaving) continue;
        const lost: DropEnd = { state: 'failed', run: null, out: null, message: 'Its workflow was ended from outside' };
        this.#desk.ended(drop, await end(this.#watch, drop, lost), Date.now());
      }
    });
  }

  #retry(): Promise<void> {
    return this.#untilLeaving('the store', async () => {
      await condition(() => this.#isLeaving || this.#again.length > 0);
      if (this.#isLeaving) return;
      const hashes = this.#again;
      this.#desk.recall(await again(this.#watch, hashes), [], Date.now());
      this.#again = this.#again.filter((hash) => !hashes.includes(hash));
    });
  }
}
