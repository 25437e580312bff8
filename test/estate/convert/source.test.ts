import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { convertFile } from '../../../src/estate/convert/convert.ts';
import type { EstateFile } from '../../../src/estate/convert/estate-file.ts';
import { describeFinding } from '../../../src/estate/convert/findings.ts';
import { testSecret } from '../../support/test-secret.ts';

function convert(text: string) {
  const { estate, findings } = convertFile({ text, file: 'regsync.yml', name: 'x' });
  return {
    repositories: (parse(estate) as EstateFile).repositories,
    messages: findings
      .filter(({ kind }) => kind === 'LEFT_OUT')
      .map((finding) => describeFinding('regsync.yml', finding)),
  };
}

const refusal = (text: string, format?: 'regsync' | 'skopeo'): string => {
  try {
    convertFile({ text, file: 'regsync.yml', name: 'x', format });
    return 'converted';
  } catch (error) {
    return (error as Error).message;
  }
};

test('an alias, a merge, and a field that nobody reads', () => {
  const { repositories, messages } = convert(`
x-base: &base
  type: repository
  interval: 1h
  colour: red
x-allow: &allow [latest]
sync:
  - <<: *base
    source: alpine
    target: r.local/alpine
    tags: {allow: *allow, alow: [x]}
  - <<: [{interval: 2h}, *base]
    source: debian
    target: r.local/debian
`);
  expect(repositories.map(({ name, schedules, remote }) => [name, schedules, remote.includeTags])).toEqual([
    ['alpine', [{ intervalSeconds: 3_600 }], ['latest']],
    ['debian', [{ intervalSeconds: 7_200 }], undefined],
  ]);
  expect(messages).toEqual([
    'regsync.yml:5:3: left out: sync[0].colour: Tidemark does not know this field.',
    'regsync.yml:11:27: left out: sync[0].tags.alow: Tidemark does not know this field.',
  ]);
});

test('a key that comes twice, values of another type, and a second document', () => {
  const { repositories, messages } = convert(`sync:
  - source: alpine
    source: busybox
    target: r.local/busybox
    type: repository
    interval: soon
    platforms: linux/amd64
    includeExternal: perhaps
    creds:
---
more: 1
`);
  expect(repositories).toMatchObject([{ name: 'busybox', remote: { upstreamName: 'library/busybox' } }]);
  expect(messages).toEqual([
    'regsync.yml:2:5: left out: sync[0].source: The same key comes again below, and wins.',
    'regsync.yml:6:5: left out: sync[0].interval: It is "soon": expected a duration of Go, such as 60m.',
    'regsync.yml:7:5: left out: sync[0].platforms: Expected a list.',
    'regsync.yml:8:5: left out: sync[0].includeExternal: It is "perhaps"; expected true or false.',
    'regsync.yml:9:5: left out: sync[0].creds: Tidemark does not know this field.',
    'regsync.yml:11:1: left out: Only the first document of the file is read.',
  ]);
});

test('two entries of one target: the same source adds up, another one is left out', () => {
  const { repositories, messages } = convert(`sync:
  - {source: 'alpine:3', target: r.local/a, type: image, interval: 1h}
  - {source: 'alpine:edge', target: 'r.local/a:edge', type: image, interval: 1h}
  - {source: 'debian:12', target: r.local/a, type: image, interval: 1h}
`);
  expect(repositories).toMatchObject([
    { name: 'a', remote: { includeTags: ['3', 'edge'] }, schedules: [{ intervalSeconds: 3_600 }] },
  ]);
  expect(messages).toEqual([
    expect.stringContaining(
      'regsync.yml:4:5: left out: sync[2]: The repository "a" already mirrors library/alpine',
    ),
  ]);
});

test('a file that is not YAML is refused with the position, and without its text', () => {
  const secret = testSecret('broken-file');
  const message = refusal(`creds:\n  - pass: "${secret}\n  x`);
  expect(message).toMatch(/^regsync\.yml:\d+:\d+: The file is not YAML/);
  expect(message).not.toContain(secret);
});

test('an alias without an anchor is refused with its position, and without its name', () => {
  const secret = testSecret('alias');
  const message = refusal(`creds:\n  - pass: *${secret}\nsync: []\n`);
  expect(message).toMatch(/^regsync\.yml:2:11: The alias/);
  expect(message).not.toContain(secret);
});

test('an alias within its own anchor is refused', () => {
  expect(refusal('sync: &self\n  - {<<: [*self, *self]}\n')).toMatch(/^regsync\.yml:2:\d+: The alias/);
});

test('aliases that grow without bound are refused', () => {
  const levels = Array.from(
    { length: 12 },
    (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level},`.repeat(10)}]`,
  );
  expect(refusal(`l0: &l0 [x]\n${levels.join('\n')}\nsync: []\n`)).toMatch(/aliases/);
});

test.each(['', 'text', '[1]', 'a: 1', 'kind: ConfigMap\ndata: {regsync.yml: "sync: []"}'])(
  '%j is not recognized',
  (text) => {
    expect(refusal(text)).toMatch(/not recognized.*--from/);
  },
);

test('a format that is named is not guessed', () => {
  expect(refusal('sync: []')).toBe('converted');
  expect(refusal('a.example.com: {}', 'skopeo')).toBe('converted');
  expect(refusal('', 'skopeo')).toMatch(/not recognized/);
});
