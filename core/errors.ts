/** Facts that place an error: file, line, column, gene, cell, value. Flat, so that they print as key=value. */
export type ErrorContext = Readonly<Record<string, string | number>>;

/** A file may hold a name of megabytes: of a message and of each fact so many characters are kept. */
const MOST = { message: 20_000, fact: 1_000 };

/** Every error thrown on purpose. `code` is stable and documented in docs/errors.md; `retryable` decides what the engine does. */
export abstract class PanelflowError extends Error {
  abstract readonly code: string;
  readonly retryable: boolean = false;
  readonly context: ErrorContext;
  /** What the reader can do about it; printed on a line of its own. */
  readonly mend: string | undefined;

  constructor(message: string, options: { cause?: unknown; context?: ErrorContext; mend?: string } = {}) {
    super(message.slice(0, MOST.message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    const facts = Object.entries(options.context ?? {});
    this.context = Object.fromEntries(facts.map(([key, fact]) => [key, typeof fact === 'string' ? fact.slice(0, MOST.fact) : fact]));
    this.mend = options.mend;
  }
}

/** The user's file or flag is wrong; the context holds file, line and column where there are any. */
export class ConfigError extends PanelflowError {
  readonly code = 'CONFIG';
}

/** A name in `uses` that nothing provides, a name provided twice, or a plugin of another API version. */
export class PluginError extends PanelflowError {
  readonly code = 'PLUGIN';
}

/** The dataset lacks what a step needs: a column, a layer, finite values, enough cells. */
export class DataError extends PanelflowError {
  readonly code = 'DATA';
}

/** The artifact store cannot be reached, an object is missing, or its bytes differ from their hash. */
export class ArtifactError extends PanelflowError {
  readonly code = 'ARTIFACT';
  override readonly retryable: boolean;

  constructor(message: string, options: { cause?: unknown; context?: ErrorContext; mend?: string; retryable?: boolean } = {}) {
    super(message, options);
    this.retryable = options.retryable ?? true;
  }
}

/** Something the machine lacks at the moment: memory, disk, a GPU, a native library. */
export class ResourceError extends PanelflowError {
  readonly code = 'RESOURCE';
  override readonly retryable: boolean;

  constructor(message: string, options: { cause?: unknown; context?: ErrorContext; mend?: string; retryable?: boolean } = {}) {
    super(message, options);
    this.retryable = options.retryable ?? true;
  }
}

/** A training went wrong: loss NaN, target not reached. The context holds epoch and loss. */
export class TrainingError extends PanelflowError {
  readonly code = 'TRAINING';
}

/** A step's process died: a crash, a kill by the system, or memory exhausted. */
export class CrashError extends PanelflowError {
  readonly code = 'CRASH';
  override readonly retryable = true;
}

/** A task took longer than it may. */
export class TimeLimitError extends PanelflowError {
  readonly code = 'TIMEOUT';
  override readonly retryable = true;
}

/** True for errors thrown on purpose, also across module copies. */
export function isPanelflowError(error: unknown): error is PanelflowError {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'string' && 'retryable' in error && 'context' in error;
}
