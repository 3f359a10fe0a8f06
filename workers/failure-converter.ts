import { DefaultFailureConverter } from '@temporalio/common';

/** Puts messages and stacks of failures into payloads, so that they are encrypted, too. Loaded by Temporal's workers, and bundled with the workflows. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
