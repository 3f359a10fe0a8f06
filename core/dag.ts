import { ConfigError } from './errors.ts';

/** Orders ids so that each comes after all it needs; a circle is an error that shows it. Needs that are not ids are ignored. */
export function topologicalOrder(needs: ReadonlyMap<string, readonly string[]>): string[] {
  const order: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (id: string, path: readonly string[]): void => {
    if (state.get(id) === 'done') return;
    if (state.get(id) === 'open')
      throw new ConfigError(`Steps need each other in a circle: ${[...path.slice(path.indexOf(id)), id].join(' → ')}`, {
        mend: 'Take one of these inputs out.',
      });
    state.set(id, 'open');
    for (const need of needs.get(id) ?? []) if (needs.has(need)) visit(need, [...path, id]);
    state.set(id, 'done');
    order.push(id);
  };
  for (const id of needs.keys()) visit(id, []);
  return order;
}
