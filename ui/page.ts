/** One page of the dashboard. */
export interface Page {
  readonly title: string;
  readonly element: HTMLElement;
  /** Takes another address of its own without being built anew; false when it is another page's. */
  turn?(parts: readonly string[]): boolean;
  /** Takes a key; true when it meant something. */
  key?(event: KeyboardEvent): boolean;
  /** Keys of this page, for the help. */
  readonly keys?: readonly (readonly [string, string])[];
  /** Lets go of lines and timers. */
  close(): void;
}
