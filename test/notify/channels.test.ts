import { expect, it, vi } from 'vitest';
import { notify } from '../../cli/commands/notify.ts';
import { findChannel, readChannels } from '../../notify/channels.ts';
import { channels, httpServer, notice, refusal } from './_stage.ts';

const GOOD = `channels:
  lab: { slack: https://hooks.example/services/T/B/sesame, template: { title: "[{{ event }}] {{title}}", text: "{{text}} {{facts.failed}}" } }
  ci: { webhook: https://ci.example/hook, secret: '\${NO_SUCH_SECRET}', headers: { X-Token: a } }
  pi: { email: { smtp: smtps://me:sesame@mail.example, from: flow@lab.example, to: [Ada <ada@lab.example>] } }
`;

async function output(run: () => Promise<number>): Promise<string> {
  const written: string[] = [];
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((text) => written.push(String(text)) > 0),
  );
  try {
    expect(await run()).toBe(0);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return written.join('');
}

it('names the channels and their kinds, and no secret', async () => {
  channels(GOOD);
  const text = await output(() => notify('list', undefined, { event: 'success' }));
  expect(text).toMatch(/lab +slack\n/);
  expect(text).toMatch(/ci +webhook +wants NO_SUCH_SECRET\n/);
  expect(text).toMatch(/pi +email\n/);
  expect(text).not.toContain('sesame');
  const json = JSON.parse(await output(() => notify('list', undefined, { event: 'success', json: true })));
  expect(json.channels).toEqual([
    { name: 'lab', kind: 'slack', lacks: [] },
    { name: 'ci', kind: 'webhook', lacks: ['NO_SUCH_SECRET'] },
    { name: 'pi', kind: 'email', lacks: [] },
  ]);
});

it('sends a sample', async () => {
  const { url, got, close } = await httpServer([{ status: 204 }]);
  channels(`channels: { lab: { slack: ${url} } }`);
  const json = JSON.parse(await output(() => notify('test', 'lab', { event: 'drift', json: true })));
  expect(json).toMatchObject({ channel: 'lab', kind: 'slack', event: 'drift', delivered: true });
  expect(JSON.parse(got[0].body.toString()).text).toContain(':warning: *Test of the channel lab: drift*');
  await close();
  for (const wrong of [
    notify('test', undefined, { event: 'drift' }),
    notify('tset', 'lab', { event: 'drift' }),
    notify('test', 'lab', { event: 'drfit' }),
  ])
    await refusal(wrong, [], 'CONFIG');
});

it('says what is known where a channel is not, or its variable', async () => {
  channels(GOOD);
  expect(await refusal(findChannel('lba'), ['sesame'], 'CONFIG')).toMatchObject({ mend: 'Did you mean "lab"?' });
  expect(await refusal(findChannel('everybody'), ['sesame'], 'CONFIG')).toMatchObject({ mend: 'Known: lab, ci, pi.' });
  const lacking = await refusal(
    findChannel('ci').then((channel) => channel.send(notice)),
    [],
    'CONFIG',
  );
  expect(lacking.message).toContain('NO_SUCH_SECRET');
  process.env.PANELFLOW_NOTIFY += '.none';
  expect(await readChannels()).toEqual([]);
  await refusal(findChannel('lab'), [], 'CONFIG');
  process.env.PANELFLOW_NOTIFY = '/';
  await refusal(readChannels(), [], 'CONFIG');
});

const SECRET = 'open-sesame';
const WRONG: [what: string, text: string, place: string, says: string][] = [
  ['no YAML', `channels:\n  lab: { slack: "${SECRET}`, '2:', 'not YAML'],
  ['YAML with words that do not belong', `channels:\n  lab: [a] ${SECRET}\n`, '2:', 'not YAML'],
  ['an alias of nothing', `channels: { lab: { slack: *${SECRET} } }`, '', 'alias'],
  ['no map', SECRET, '1:1', 'channels'],
  ['a key beside channels', `channels: {}\n${SECRET}: 1`, '2:1', 'not known'],
  ['a name with a slash', `channels:\n  https://x/${SECRET}: { slack: https://x }`, '2:3', 'named by'],
  ['no kind', `channels:\n  lab: { slak: https://x/${SECRET} }`, '2:3', 'Did you mean "slack"?'],
  ['a channel that is a text', `channels:\n  lab: slack ${SECRET}`, '2:8', 'one of'],
  ['two kinds', `channels:\n  lab: { slack: https://x/${SECRET}, email: {} }`, '2:3', 'one of'],
  ['no address', `channels:\n  lab: { slack: ${SECRET} }`, '2:17', 'https://'],
  ['an address with a password', `channels:\n  lab: { slack: "https://me:${SECRET}@x" }`, '2:17', 'without name and password'],
  ['a file as address', `channels:\n  lab: { slack: "file:///${SECRET}" }`, '2:17', 'https://'],
  ['no secret', `channels:\n  ci: { webhook: https://x/${SECRET} }`, '2:3', '"secret" is missing'],
  ['a secret that is no text', `channels:\n  ci: { webhook: https://x, secret: [${SECRET}] }`, '2:29', 'expected string'],
  ['a secret that is no base64', `channels:\n  ci: { webhook: https://x, secret: whsec_${SECRET} }`, '2:37', 'base64'],
  ['an unknown key', `channels:\n  ci: { webhook: https://x, secret: a, haeders: { A: ${SECRET} } }`, '2:40', 'Did you mean "headers"?'],
  ['a key that is a secret', `channels:\n  ci: { webhook: https://x, secret ${SECRET} }`, '2:29', 'not known here'],
  ['a header of two lines', `channels:\n  ci: { webhook: https://x, secret: a, headers: { A: "${SECRET}\\nB" } }`, '2:54', 'one line'],
  [
    'a name of a header with spaces',
    `channels:\n  ci: { webhook: https://x, secret: a, headers: { "${SECRET} a": b } }`,
    '2:68',
    'no name',
  ],
  ['a header of ours', `channels:\n  ci: { webhook: https://x, secret: a, headers: { Webhook-Id: ${SECRET} } }`, '2:63', 'set already'],
  [
    'a password that is not escaped',
    `channels:\n  pi: { email: { smtp: "smtp://me:a/${SECRET}@x", from: a@b, to: [a@b] } }`,
    '2:24',
    '%40',
  ],
  [
    'a password that is half escaped',
    `channels:\n  pi: { email: { smtp: "smtp://me:%zz${SECRET}@x", from: a@b, to: [a@b] } }`,
    '2:24',
    '%40',
  ],
  ['another scheme', `channels:\n  pi: { email: { smtp: "http://me:${SECRET}@x", from: a@b, to: [a@b] } }`, '2:24', 'smtp://'],
  ['two addresses in one', `channels:\n  pi: { email: { smtp: smtp://x, from: a@b, to: ["a@b, ${SECRET}@b"] } }`, '2:50', 'one address'],
  [
    'an address of two lines',
    `channels:\n  pi: { email: { smtp: smtp://x, from: "a\\nBcc: ${SECRET} <a@b>", to: [a@b] } }`,
    '2:40',
    'one address',
  ],
  ['nobody to write to', `channels:\n  pi: { email: { smtp: smtp://x, from: a@b, to: [] } }`, '2:45', '>=1'],
  [
    'an unknown word',
    `channels:\n  lab:\n    slack: https://x\n    template:\n      text: "{{tilte}} ${SECRET}"`,
    '5:13',
    'Did you mean "title"?',
  ],
  ['a fact without a name', `channels:\n  lab: { slack: https://x, template: { title: "{{facts.}} ${SECRET}" } }`, '2:47', 'not known'],
  ['braces left open', `channels:\n  lab: { slack: https://x, template: { title: "{{title} ${SECRET}" } }`, '2:47', 'not closed'],
  ['a variable without a name', `channels:\n  lab: { slack: "https://x/\${a-${SECRET}}" }`, '2:17', 'A variable is written'],
];
it.each(WRONG)('refuses %s, with its place and without what stands there', async (_, text, place, says) => {
  channels(text);
  const error = await refusal(readChannels(), [SECRET], 'CONFIG');
  expect(error.message).toContain(says);
  expect(error.message).toContain(place === '' ? 'notify.yaml' : `notify.yaml:${place}`);
});

it('lists all that is wrong at once, also beside a variable that is not set', async () => {
  channels(`channels:
  lab: { slack: '\${NO_SUCH_HOOK}', template: { txt: a } }
  ci: { webhook: x, secret: "" }
`);
  const { message } = await refusal(readChannels(), [], 'CONFIG');
  expect(message.match(/notify\.yaml:\d+:\d+/g)).toHaveLength(3);
  expect(message).not.toContain('NO_SUCH_HOOK');
});
