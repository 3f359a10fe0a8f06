import { ConfigError } from '../core/errors.ts';
import { PayloadCipher, payloadKeyIn } from '../workers/payload-cipher.ts';
import { fileAt } from './security.ts';
import type { PayloadSettings } from './settings.ts';

/** The cipher for what Temporal keeps, by the keys that the environment or the file in it names. No error holds a part of a key. */
export async function payloadCipher({ keys, file }: PayloadSettings): Promise<PayloadCipher> {
  if (keys !== undefined && file !== undefined)
    throw new ConfigError('PANELFLOW_PAYLOAD_KEY and PANELFLOW_PAYLOAD_KEY_FILE are both set', { mend: 'Unset one of them.' });
  const variable = file === undefined ? 'PANELFLOW_PAYLOAD_KEY' : 'PANELFLOW_PAYLOAD_KEY_FILE';
  const text = file === undefined ? (keys ?? '') : (await fileAt(variable, file)).toString('utf8');
  const words = text.split(/[\s,]+/).filter(Boolean);
  if (file !== undefined && words.length === 0)
    throw new ConfigError(`The file that ${variable} names is empty`, {
      context: { path: file },
      mend: 'Write a key into it: panelflow key',
    });
  return new PayloadCipher(
    words.map((word, i) => {
      const key = payloadKeyIn(word);
      if (key) return key;
      throw new ConfigError(`${variable} holds something that is no key (number ${i + 1} of ${words.length})`, {
        mend: 'A key is base64 of 32 bytes, as `panelflow key` prints it; several stand with commas between them.',
      });
    }),
  );
}
