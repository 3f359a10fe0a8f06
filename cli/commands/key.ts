import { newPayloadKey, payloadKeyId, payloadKeyIn } from '../../workers/payload-cipher.ts';
import { dim, say } from '../print.ts';

/** `panelflow key`: a new key for what Temporal keeps; on standard output nothing else, so that it can go into a file. */
export async function key(flags: { readonly json?: boolean }): Promise<number> {
  const made = newPayloadKey();
  const id = payloadKeyId(payloadKeyIn(made)!);
  process.stdout.write(flags.json ? `${JSON.stringify({ id, key: made })}\n` : `${made}\n`);
  if (!flags.json) say(dim(`Its id is ${id}. Keep the key where secrets are kept: what is encrypted with it is lost without it.`));
  return 0;
}
