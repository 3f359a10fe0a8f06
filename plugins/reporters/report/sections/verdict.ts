import { moreSeeds } from '../comparison.ts';
import { html, join, type Markup } from '../markup.ts';
import { list, showSpread, spelled } from '../numbers.ts';
import type { SummaryRow } from '../rows.ts';
import type { Rival, Standing } from '../standing.ts';

/** Of more selectors than one above this, so many are named and the rest are counted. */
const NAMED = 4;

/** More seeds than this are not worth their number. */
const MANY = 100;

const score = (row: SummaryRow): string => showSpread(row.mean, row.std);
const shown = (rivals: readonly Rival[]): readonly Rival[] => (rivals.length <= NAMED + 1 ? rivals : rivals.slice(0, NAMED));

function named(rivals: readonly Rival[]): Markup {
  const parts = shown(rivals).map(({ row }) => html`${row.selector} (${score(row)})`);
  if (rivals.length > parts.length) parts.push(html`${rivals.length - parts.length} more`);
  return parts.length < 2 ? html`${parts}` : html`${join(parts.slice(0, -1), ', ')} and ${parts.at(-1)}`;
}

/** What would tell a rival from the best. */
function hint({ pair, verdict }: Rival): string {
  if (verdict === 'same') return 'the values are the same in each seed';
  if (verdict === 'worse') return 'it is ahead on the seeds that both have';
  const more = moreSeeds(pair);
  if (Number.isNaN(more)) return 'nobody can say yet how many seeds would tell';
  if (!Number.isFinite(more)) return 'more seeds would not tell';
  return more > MANY ? `it would take more than ${MANY} more seeds to tell` : `${spelled(more, 'more seed')} would tell`;
}

function hints(rivals: readonly Rival[]): Markup {
  const groups = new Map<string, string[]>();
  for (const rival of shown(rivals)) {
    const words = hint(rival);
    groups.set(words, [...(groups.get(words) ?? []), rival.row.selector]);
  }
  if (groups.size === 1) return html`; ${[...groups.keys()]}.`;
  const said = [...groups].map(([words, names]) => html`for ${list(names)} ${words}`);
  return html`; ${join(said, ', ')}.`;
}

function onSeeds(rivals: readonly Rival[]): string {
  const counts = rivals.map(({ pair }) => pair.test.n);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? spelled(most, 'seed') : `${least} to ${spelled(most, 'seed')}`;
}

/** The rivals by what is known of them. */
function sorted(rivals: readonly Rival[]): Record<'behind' | 'level' | 'untested', Rival[]> {
  const behind = rivals.filter((r) => r.verdict === 'better');
  const untested = rivals.filter((r) => r.verdict === 'untested');
  return { behind, untested, level: rivals.filter((r) => !behind.includes(r) && !untested.includes(r)) };
}

/** Who is best, and who can't be told apart from it; `end` closes the sentence. */
function answer({ best, rivals, k }: Standing, end: (level: readonly Rival[]) => Markup): Markup {
  const first = html`<strong>${best.selector}</strong> (${score(best)})`;
  if (rivals.length === 0) return html`${first} stands alone.`;
  const { behind, level, untested } = sorted(rivals);
  if (untested.length === rivals.length)
    return html`${first} comes first, before ${rivals[0].row.selector} (${score(rivals[0].row)}), but with one seed nothing can be told: the
    difference may be chance.`;
  if (level.length === 0) {
    const next = behind[0].row;
    return html`${first} is the best, and that is sure; next is ${next.selector} (${score(next)}).`;
  }
  if (level.length === 1) return html`${first} and ${named(level)} can't be told apart at k = ${k} on ${onSeeds(level)}${end(level)}`;
  return html`${first} comes first, but on ${onSeeds(level)} it can't be told apart from ${named(level)}${end(level)}`;
}

/** The answer in one sentence. */
export const shortVerdict = (standing: Standing): Markup => answer(standing, () => html`.`);

/** In plain words: who is best, who can't be told apart from it, how many more seeds would tell, and who is behind. */
export function verdict(standing: Standing): Markup {
  const { behind, level, untested } = sorted(standing.rivals);
  // Where nobody is level, the next one has been named.
  const further = level.length === 0 ? behind.slice(1) : behind;
  const sure = further.length > 0 ? html` Surely behind${level.length === 0 ? ' too' : ''}: ${named(further)}.` : '';
  const few = untested.length > 0 && untested.length < standing.rivals.length ? html` On too few seeds to tell: ${named(untested)}.` : '';
  return html`${answer(standing, hints)}${sure}${few}`;
}

/** True where `shortVerdict` names the selector. */
export function isNamed({ best, rivals }: Standing, selector: string): boolean {
  const { level } = sorted(rivals);
  return selector === best.selector || (level.length > 0 ? shown(level) : rivals.slice(0, 1)).some((r) => r.row.selector === selector);
}
