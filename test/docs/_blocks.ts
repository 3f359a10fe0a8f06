export interface Block {
  /** The word after the fence; empty where there is none. */
  readonly language: string;
  readonly text: string;
  /** From 1, of the fence. */
  readonly line: number;
}

/** The fenced blocks of a page, in their order. */
export function blocks(page: string): Block[] {
  return [...page.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map((m) => ({
    language: m[1].trim(),
    text: m[2],
    line: page.slice(0, m.index).split('\n').length,
  }));
}
