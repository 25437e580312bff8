/** tidemark.yaml is read: places of mistakes, variables, texts from elsewhere, several files, remotes in place. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileMistakes } from '../../src/estate/file-mistake.ts';
import { readConfiguration } from '../../src/estate/read-configuration.ts';
import type { ConfigurationFiles } from '../../src/estate/read-configuration.ts';
import { allowStalls } from '../support/watch/allow-stalls.ts';
import { writeConfiguration } from '../../src/estate/write-configuration.ts';

allowStalls(10_000, 'the schema is compiled on this thread, once in a command');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;

async function write(text: string, name = `${(files += 1)}.yaml`): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

async function read(
  text: string,
  {
    environment = {},
    allowClearSecrets = false,
  }: { environment?: Record<string, string>; allowClearSecrets?: boolean } = {},
): Promise<ConfigurationFiles> {
  return readConfiguration([await write(text)], { environment, allowClearSecrets });
}

/** The mistakes without the folder and the number of the file. */
async function mistakesOf(reading: Promise<ConfigurationFiles>): Promise<string[]> {
  const error: unknown = await reading.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof FileMistakes)) throw new Error('there is no mistake', { cause: error });
  return error.message.split('\n').map((line) => line.replaceAll(folder, '').replace(/^\/[0-9]+\.yaml:/, ''));
}

describe('shape', () => {
  test('an unknown field is named with its line, and the one that was meant', async () => {
    const text =
      'name: a\nremotes:\n  - name: x\n    url: https://r.example\n    upstreamName: a/b\n    includeTag: [a]\n';
    expect(await mistakesOf(read(text))).toEqual(
      ['6:5: "includeTag" is not a field of remotes.0; did you mean includeTags?'].map((line) =>
        line.replace('6:5', '6:17'),
      ),
    );
  });

  test('a missing field, a wrong type and an unknown word are mistakes, all at once', async () => {
    const text =
      'name: a\nremotes:\n  - name: x\n    url: https://r.example\n    policy: NOW\n    maxRetries: many\n    includeTags: [1.10]\n';
    expect(await mistakesOf(read(text))).toEqual([
      '3:5: remotes.0 lacks upstreamName.',
      '5:13: remotes.0.policy is "NOW"; expected one of IMMEDIATE, ON_DEMAND, STREAMED.',
      '6:17: remotes.0.maxRetries is "many"; expected a whole number.',
      '7:19: remotes.0.includeTags.0 is "1.1"; expected a text; put it in quotes, since YAML takes 1.10 for 1.1.',
    ]);
  });

  test('broken YAML has its line', async () => {
    expect(await mistakesOf(read('name: a\nremotes: [\n'))).toEqual([
      expect.stringMatching(/^3:1: Flow sequence/),
    ]);
  });

  test('a file without a name is a mistake', async () => {
    expect(await mistakesOf(read('remotes: []\n'))).toEqual([
      '1:1: name is missing; expected a name for this configuration, such as production.',
    ]);
  });

  test('a value of a secret is not repeated', async () => {
    const text =
      'name: a\nremotes:\n  - {name: x, url: https://r.example, upstreamName: a/b, password: 123456}\n';
    expect((await mistakesOf(read(text))).join()).not.toContain('123456');
  });
});

const remote = (password: string) =>
  `name: a\nremotes:\n  - name: x\n    url: https://r.example\n    upstreamName: a/b\n    username: \${USER_NAME:-me}\n    password: ${password}\n    maxRetries: \${RETRIES:-4}\n`;

describe('texts from elsewhere', () => {
  test('variables, files and the environment are put in their places', async () => {
    await write('s3cret\n', 'password.txt');
    const { configuration } = await read(remote('{file: password.txt}'), { environment: { RETRIES: '7' } });
    expect(configuration['remotes']).toEqual([
      {
        name: 'x',
        url: 'https://r.example',
        upstreamName: 'a/b',
        username: 'me',
        password: 's3cret',
        maxRetries: 7,
      },
    ]);
    const other = await read(remote('{env: P}'), {
      environment: { P: '${not} a variable', USER_NAME: 'you' },
    });
    expect(other.configuration['remotes']).toEqual([
      expect.objectContaining({ username: 'you', password: '${not} a variable', maxRetries: 4 }),
    ]);
  });

  test('what is not there is a mistake at its line', async () => {
    expect(await mistakesOf(read(remote('${MISSING}')))).toEqual([
      '7:15: the environment has no variable "MISSING"; set it, or write ${MISSING:-default}.',
    ]);
    expect(await mistakesOf(read(remote('{env: MISSING}')))).toEqual([
      '7:15: the environment has no variable "MISSING"; set it.',
    ]);
    expect(await mistakesOf(read(remote('{file: missing.txt}')))).toEqual([
      '7:15: the file "missing.txt" cannot be read (ENOENT).',
    ]);
  });

  test('a secret may not stand in the file, unless it is allowed', async () => {
    expect(await mistakesOf(read(remote('in-clear')))).toEqual([
      '7:15: password stands in the file as it is; write {env: NAME} or {file: PATH}, or allow it with --allow-clear-secrets.',
    ]);
    await expect(read(remote('in-clear'), { allowClearSecrets: true })).resolves.toBeDefined();
    await expect(read(remote('${P}'), { environment: { P: 'x' } })).resolves.toBeDefined();
  });

  test.each([
    ['headers: [{name: X-Key, value: in-clear}]', 'headers.0.value'],
    ['proxyUrl: http://me:in-clear@proxy.example:3128', 'proxyUrl'],
    ['headers: [{name: X-Key, value: {env: P}}]', undefined],
    ['proxyUrl: http://me:${P}@proxy.example:3128', undefined],
    ['proxyUrl: http://proxy.example:3128', undefined],
  ])('the secret in "%s" is %s', async (field, found) => {
    const text = `name: a\nx-notes: [~]\nremotes:\n  - name: x\n    url: https://r.example\n    upstreamName: a/b\n    ${field}\n`;
    const reading = read(text, { environment: { P: 'x' } });
    if (found === undefined) await expect(reading).resolves.toBeDefined();
    else expect((await mistakesOf(reading)).join()).toContain(`${found} stands in the file as it is`);
  });

  test('$${ stands for ${', async () => {
    const { configuration } = await read(
      'name: a\nrepositories:\n  - {name: b, description: "costs $${X}"}\n',
    );
    expect(configuration['repositories']).toEqual([{ name: 'b', description: 'costs ${X}' }]);
  });
});

describe('files', () => {
  test('sections of several files and documents are joined, and each place is kept', async () => {
    const first = await write(
      'name: a\nx-common: &common\n  retainVersions: 3\nrepositories:\n  - name: one\n    <<: *common\n---\nrepositories:\n  - name: two\n',
      'b.yaml',
    );
    const second = await write(
      'repositories:\n  - name: three\n    remote: {url: https://r.example, upstreamName: a/b}\n',
      'c.yml',
    );
    const { configuration, locate } = await readConfiguration([first, second], {
      environment: {},
      allowClearSecrets: false,
    });
    expect(configuration).toEqual({
      name: 'a',
      signaturePolicies: [],
      credentials: [],
      mirrorRules: [],
      proxies: [],
      webhooks: [],
      remotes: [{ name: 'three', url: 'https://r.example', upstreamName: 'a/b' }],
      repositories: [{ name: 'one', retainVersions: 3 }, { name: 'two' }, { name: 'three', remote: 'three' }],
      distributions: [],
    });
    expect(locate(['repositories', '1', 'name'])).toBe(`${first}:9:11`);
    expect(locate(['remotes', '0', 'url'])).toBe(`${second}:3:19`);
    expect(locate(['repositories', '0', 'retainVersions'])).toBe(`${first}:5:5`);
  });

  test('two names are a mistake, and so is a folder without files', async () => {
    const paths = [await write('name: a\n'), await write('name: b\n')];
    const options = { environment: {}, allowClearSecrets: false };
    expect(await mistakesOf(readConfiguration(paths, options))).toEqual([
      '1:7: name is "b", and "a" in another file; one configuration has one name.',
    ]);
    const empty = await mkdtemp(join(folder, 'empty-'));
    expect((await mistakesOf(readConfiguration([empty], options))).join()).toContain(
      'no file named *.yaml or *.yml',
    );
  });

  test('a cycle of aliases, and one that grows without end, are refused', async () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [index, letter] of 'bcdefg'.split('').entries())
      bomb.push(
        `${letter}: &${letter} [${Array.from({ length: 10 }, () => `*${'abcdef'[index]}`).join(', ')}]`,
      );
    expect((await mistakesOf(read(`name: a\nx-bomb:\n  ${bomb.join('\n  ')}\n`))).join()).toMatch(/alias/i);
  });
});

test('the running state is written as a file that can be read', async () => {
  const text = writeConfiguration('prod', {
    remotes: [
      {
        name: 'x',
        value: { name: 'x', url: 'https://r.example', upstreamName: 'a/b', includeTags: ['1.10'] },
        secrets: ['password'],
      },
    ],
    repositories: [
      {
        name: 'y',
        value: { name: 'y', remote: 'x', description: 'a$${B} ${C}', schedules: [{ cron: '0 3 * * *' }] },
        secrets: [],
      },
    ],
    distributions: [],
  });
  expect(text).toContain('# Stored, and not exported: password.');
  const { configuration } = await read(text);
  expect(configuration['remotes']).toEqual([
    { name: 'x', url: 'https://r.example', upstreamName: 'a/b', includeTags: ['1.10'] },
  ]);
  expect(configuration['repositories']).toMatchObject([{ name: 'y', description: 'a$${B} ${C}' }]);
});
