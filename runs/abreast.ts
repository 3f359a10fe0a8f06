/** Acts on all items, at most so many at a time: most of it is waiting for the store. The first error ends it. */
export async function abreast<T>(items: Iterable<T>, act: (item: T) => Promise<void>, most = 64): Promise<void> {
  const queue = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) await act(next.value);
  };
  await Promise.all(Array.from({ length: most }, lane));
}
