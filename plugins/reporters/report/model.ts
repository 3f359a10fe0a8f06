import type { Dataset, Embedding, ReporterInputs } from '../../contract.ts';
import { compare, type Comparison, type ComparisonParams, type Terms, termsOf } from './comparison.ts';
import { isLowerBetter } from './metric-facts.ts';
import { type SeriesStyle, styleOf } from './palette.ts';
import { type Beside, beside, type Published } from './published.ts';
import { apartFromNoise, type PanelCell, type Rows, rowsOf, type SummaryRow, withOthersNamed } from './rows.ts';

/** What the page is told besides the results. */
export interface PageParams extends ComparisonParams {
  readonly name?: string;
  readonly title?: string;
  readonly description?: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly methods: readonly { readonly id: string; readonly summary: string; readonly cites: readonly string[] }[];
  readonly baseline: string;
}

/** Evaluators of one task that speak in the same metrics. */
export interface Block {
  readonly task: string;
  readonly evaluators: readonly string[];
  readonly metrics: readonly string[];
  readonly selectors: readonly string[];
  readonly ks: readonly number[];
}

/** Where selectors are compared. */
export interface Place {
  readonly task: string;
  readonly evaluator: string;
  readonly metric: string;
  readonly k: number;
}

/** The cell that a block's headline speaks of. */
export interface Headline {
  readonly metric: string;
  readonly evaluator: string;
  readonly k: number;
  /** Selectors there, best first. */
  readonly ranking: readonly SummaryRow[];
}

/** Everything that the sections of the page draw on. */
export interface Model {
  readonly params: PageParams;
  /** Cells that failed or were skipped. */
  readonly missing: readonly Readonly<Record<string, string | number>>[];
  readonly data: Dataset | undefined;
  readonly embedding: Embedding | undefined;
  /** Under true labels, where others were tried too. */
  readonly rows: Rows;
  /** With wrong labels as well, where both were tried: `others` holds their share as label_noise. */
  readonly noise: Rows | undefined;
  /** Published numbers that this run has a result for. */
  readonly published: readonly Beside[];
  readonly blocks: readonly Block[];
  readonly style: (selector: string) => SeriesStyle;
  readonly find: (selector: string, k: number, at: { task: string; evaluator: string; metric: string }) => SummaryRow | undefined;
  readonly ranking: (at: Place) => SummaryRow[];
  /** Every pair of selectors at a place, in a block's first metric. */
  readonly pairs: (at: Place) => readonly Comparison[];
  readonly headline: (block: Block) => Headline;
  /** Tasks that panels were chosen for; one empty word when all panels serve all tasks. */
  readonly panelTasks: readonly string[];
  /** The panels of a selector that serve a task, one a seed. */
  readonly panels: (selector: string, k: number, task: string) => readonly PanelCell[];
}

/** A model of results on one dataset. */
export type DataModel = Model & { readonly data: Dataset };

export const hasData = (model: Model): model is DataModel => model.data !== undefined;

/** What the page is told by others than its params. */
interface Told {
  readonly missing?: Model['missing'];
  readonly published?: readonly Published[];
}

const keyOf = (...parts: readonly (string | number)[]): string => JSON.stringify(parts);

/** Prepares everything gathered for the page. */
export function modelOf(inputs: ReporterInputs, params: PageParams, { missing = [], published = [] }: Told = {}): Model {
  const { clean, noisy } = apartFromNoise(inputs);
  const rows = rowsOf(withOthersNamed(clean));
  const { axes } = rows;
  const index = new Map(rows.summary.map((r) => [keyOf(r.selector, r.k, r.task, r.evaluator, r.metric), r]));
  const find: Model['find'] = (selector, k, at) => index.get(keyOf(selector, k, at.task, at.evaluator, at.metric));
  const ranking: Model['ranking'] = ({ k, ...at }) => {
    const sign = isLowerBetter(at.metric, params.lower_is_better) ? 1 : -1;
    return axes.selectors
      .flatMap((selector) => find(selector, k, at) ?? [])
      .filter((row) => row.n > 0)
      .sort((a, b) => sign * (a.mean - b.mean));
  };
  const others = axes.selectors.filter((s) => s !== params.baseline);
  const styles = new Map(axes.selectors.map((s) => [s, styleOf(others.indexOf(s), s === params.baseline)]));
  const tasks = new Set(rows.panels.map((p) => p.task).filter((t) => t !== ''));
  const panelTasks = tasks.size > 0 ? [...new Set([...axes.tasks.filter((t) => tasks.has(t)), ...tasks])] : [''];
  const byPlace = new Map<string, PanelCell[]>();
  for (const p of rows.panels) {
    const key = keyOf(p.selector, p.k, p.task);
    byPlace.set(key, [...(byPlace.get(key) ?? []), p]);
  }
  const blocks = axes.tasks.flatMap((task) => blocksOf(rows, task));
  return {
    params,
    missing,
    data: inputs.data,
    embedding: inputs.embedding,
    rows,
    noise: noisy ? rowsOf(noisy) : undefined,
    published: published.length > 0 ? beside(published, rowsOf(clean).summary) : [],
    blocks,
    style: (selector) => styles.get(selector) ?? styleOf(0, true),
    find,
    ranking,
    pairs: pairsOf(rows, blocks, termsOf(rows, inputs.data, params)),
    headline: (block) => headlineOf(block, ranking),
    panelTasks,
    panels: (selector, k, task) => byPlace.get(keyOf(selector, k, task)) ?? byPlace.get(keyOf(selector, k, '')) ?? [],
  };
}

function blocksOf({ axes, summary }: Rows, task: string): Block[] {
  const here = summary.filter((r) => r.task === task);
  const groups = new Map<string, string[]>();
  for (const evaluator of axes.evaluators) {
    const metrics = new Set(here.filter((r) => r.evaluator === evaluator).map((r) => r.metric));
    const first = axes.metrics.find((m) => metrics.has(m));
    if (first !== undefined) groups.set(first, [...(groups.get(first) ?? []), evaluator]);
  }
  return [...groups.values()].map((evaluators) => {
    const own = here.filter((r) => evaluators.includes(r.evaluator));
    const present = <T>(values: readonly T[], of: (r: SummaryRow) => T): T[] => {
      const seen = new Set(own.map(of));
      return values.filter((v) => seen.has(v));
    };
    return {
      task,
      evaluators,
      metrics: present(axes.metrics, (r) => r.metric),
      selectors: present(axes.selectors, (r) => r.selector),
      ks: present(axes.ks, (r) => r.k),
    };
  });
}

function pairsOf(rows: Rows, blocks: readonly Block[], terms: Terms): Model['pairs'] {
  const first = new Set(blocks.flatMap((b) => b.evaluators.map((evaluator) => keyOf(b.task, evaluator, b.metrics[0]))));
  const metrics = rows.metrics.filter((r) => first.has(keyOf(r.task, r.evaluator, r.metric)));
  const index = new Map<string, Comparison[]>();
  for (const pair of compare({ ...rows, metrics }, terms)) {
    const key = keyOf(pair.task, pair.evaluator, pair.metric, pair.k);
    const there = index.get(key);
    if (there) there.push(pair);
    else index.set(key, [pair]);
  }
  return ({ task, evaluator, metric, k }) => index.get(keyOf(task, evaluator, metric, k)) ?? [];
}

// The largest panel under the first evaluator that has judged the most selectors.
function headlineOf(block: Block, ranking: Model['ranking']): Headline {
  const metric = block.metrics[0];
  let best: Headline = { metric, evaluator: block.evaluators[0], k: block.ks.at(-1) ?? Number.NaN, ranking: [] };
  for (const k of block.ks.toReversed())
    for (const evaluator of block.evaluators) {
      const found = ranking({ task: block.task, evaluator, metric, k });
      if (found.length > best.ranking.length) best = { metric, evaluator, k, ranking: found };
    }
  return best;
}
