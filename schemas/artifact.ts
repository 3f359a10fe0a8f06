import * as z from 'zod';

/** A pointer to immutable bytes in the artifact store, found by their hash; the only kind of data that steps exchange. */
export const ArtifactRef = z.strictObject({
  sha256: z.string().length(64),
  bytes: z.number().int().nonnegative(),
  type: z.string(),
});
export type ArtifactRef = z.infer<typeof ArtifactRef>;
