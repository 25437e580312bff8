import { describe, expect, test } from 'vitest';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import type { SyncRequest } from '../../src/cli/sync/sync-request.ts';
import { testSecret } from '../support/test-secret.ts';

const parse = (...args: string[]) => parseArguments(['node', 'tidemark', ...args], '1.2.3');

const password = testSecret('arguments');
const plain: SyncRequest = {
  name: 'library/nginx',
  url: 'https://registry-1.docker.io',
  upstreamName: 'library/nginx',
  includeTags: undefined,
  tagRules: {},
  excludeTags: undefined,
  username: undefined,
  downloadConcurrency: undefined,
  policy: undefined,
  mirror: false,
  confirmRemoval: false,
  pruneFiltered: false,
  dryRun: false,
  save: false,
  intoExisting: false,
  changeUpstream: false,
};

describe('commands', () => {
  test.each([
    [['start'], undefined],
    [['serve'], { name: 'serve', roles: ['api', 'worker'] }],
    [['api'], { name: 'api', roles: ['api'] }],
    [['worker'], { name: 'worker', roles: ['worker'] }],
    [['migrate'], undefined],
    [['schema'], false],
    [['schema', '--write'], true],
    [['demo', '--keep'], true],
  ])('%j', (args, request) => {
    expect(parse(...args)).toMatchObject({ command: 'run', name: args[0], json: false, request });
  });

  test.each([
    [['--admin', 'ops'], { name: 'ops', role: 'admin', scope: '*', expiresInDays: 90 }],
    [
      ['ci', '--role', 'pusher', '--scope', 'team/*', '--expires-in-days', '7'],
      { name: 'ci', role: 'pusher', scope: 'team/*', expiresInDays: 7 },
    ],
  ])('token create %j', (args, request) => {
    expect(parse('token', 'create', ...args)).toMatchObject({ name: 'token create', request });
  });
});

describe('commands of a client', () => {
  test.each([
    [['repositories', '--first', '5', '--json'], 'repositories', { reads: true, options: { first: 5 } }],
    [['repository', 'show', 'a/b'], 'repository show', { reads: true, args: ['a/b'] }],
    [['repository', 'delete', 'a/b', '--with-remote'], 'repository delete', { reads: false }],
    [['versions', 'a/b'], 'versions', { reads: true }],
    [['tag', 'history', 'a/b', 'latest'], 'tag history', { reads: true }],
    [['tag', 'waiting', 'a/b'], 'tag waiting', { reads: true }],
    [['task', 'tags', 'VGFzazox', '--outcome', 'failed'], 'task tags', { reads: true }],
    [
      ['tasks', '--state', 'failed', '--token-file', 'login'],
      'tasks',
      { reads: true, options: { tokenFile: 'login' } },
    ],
    [['watch', 'VGFzazox'], 'watch', { reads: true }],
    [
      ['task', 'cancel', 'VGFzazox', '--server', 'http://127.0.0.1:4000'],
      'task cancel',
      { reads: false, options: { server: 'http://127.0.0.1:4000' } },
    ],
    [['schedule', 'create', 'a/b', '--cron', '@daily'], 'schedule create', { reads: false }],
    [['schedule', 'pause', 'a/b', '--note', 'why'], 'schedule pause', { reads: false }],
    [['gc', '--dry-run'], 'gc', { reads: false }],
  ])('%j', (args, name, request) => {
    const json = args.includes('--json');
    expect(parse(...args)).toMatchObject({ command: 'run', name, json, request });
  });
});

describe('sync', () => {
  test.each<[string[], Partial<SyncRequest>]>([
    [['nginx'], {}],
    [['nginx:1.27'], { includeTags: ['1.27'] }],
    [['nginx:1.27', '--tags', '1.28*,1.27'], { includeTags: ['1.27', '1.28*'] }],
    [['nginx', '--tags', ' v[1,2].* , latest '], { includeTags: ['v[1,2].*', 'latest'] }],
    [['nginx', '--exclude-tags', '*-rc'], { excludeTags: ['*-rc'] }],
    [['nginx', '--exclude-tags', ''], { excludeTags: [] }],
    [['nginx', '--policy', 'on-demand'], { policy: 'ON_DEMAND' }],
    [
      ['nginx', '--mirror', '--confirm-removal', '--prune-filtered', '--dry-run'],
      { mirror: true, confirmRemoval: true, pruneFiltered: true, dryRun: true },
    ],
    [
      ['nginx', '--name', 'local/nginx', '--concurrency', '3'],
      { name: 'local/nginx', downloadConcurrency: 3 },
    ],
    [
      [`quay.io/org/app:1@sha256:${'a'.repeat(64)}`],
      {
        name: 'org/app',
        upstreamName: 'org/app',
        url: 'https://quay.io',
        includeTags: [`sha256:${'a'.repeat(64)}`],
      },
    ],
    [
      ['app:2', '--upstream', 'http://127.0.0.1:5000/'],
      { name: 'app', upstreamName: 'app', url: 'http://127.0.0.1:5000', includeTags: ['2'] },
    ],
    [
      'nginx --semver 1.x --semver >=3 --semver-suffix alpine --no-prereleases --tag-pattern v\\d{1,2} --newest 2/minor/first-seen --platform linux/amd64 --minimum-age 7d --minimum-age-for moved'
        .split(' ')
        .concat('--exclude-tag-pattern', ''),
      {
        tagRules: {
          includeTagPatterns: ['v\\d{1,2}'],
          excludeTagPatterns: null,
          semverRanges: ['1.x', '>=3'],
          semverPrereleases: false,
          semverSuffix: 'alpine',
          newestTags: { count: 2, per: 'MINOR', order: 'FIRST_SEEN' },
          platforms: ['linux/amd64'],
          minimumAgeSeconds: 604_800,
          minimumAgeFor: 'MOVED',
        },
      },
    ],
  ])('%j', (args, request) => {
    const plan = parse('sync', ...args);
    expect(plan).toMatchObject({ name: 'sync', json: false, request: { request: { ...plain, ...request } } });
  });
});

describe('mistakes and help', () => {
  test.each([
    [['sync'], /missing required argument 'image'/],
    [['snyc'], /unknown command 'snyc'[\s\S]*Did you mean sync/],
    [['sync', 'Nginx'], /Did you mean "nginx"/],
    [['sync', 'Nginx', '--upstream', 'http://127.0.0.1:5000'], /^"Nginx" has the repository name/],
    [['sync', 'nginx', '--upstream', 'ftp://x'], /--upstream .*expected an http or https URL/],
    [
      ['sync', 'nginx', '--upstream', `http://me:${password}@x`],
      /^(?!.*tidemark-test-secret).*without credentials/s,
    ],
    [['sync', 'nginx', '--tags', ' , '], /--tags is empty/],
    [['sync', 'nginx', '--tags', 'v[1'], /^--tags: /],
    [['sync', 'nginx', '--name', 'A B'], /--name is "A B"/],
    [['sync', 'nginx', '--password-stdin'], /goes with --username/],
    [['sync', 'nginx', '--prune-filtered'], /goes with --mirror/],
    [['sync', 'nginx', '--minimum-age', '1w'], /Expected a time in days/],
    [['sync', 'nginx', '--newest', '3/patch'], /Expected a number of tags/],
    [['sync', 'nginx', '--concurrency', '0'], /whole number, 1 to 100/],
    [['sync', 'nginx', '--policy', 'lazy'], /Allowed choices are immediate, on-demand, streamed/],
    [['sync', 'nginx', '--colour'], /unknown option '--colour'/],
    [['sync', 'nginx', 'alpine'], /too many arguments/],
    [['token', 'create', 'ci'], /--admin, or --role/],
    [['token', 'create', 'ci', '--admin', '--role', 'reader'], /--admin, or --role/],
    [['token', 'create', 'ci', '--role', 'owner'], /--role is "owner".*reader, pusher/],
    [['token', 'create', 'ci', '--role', 'reader', '--scope', 'Team'], /--scope is "Team"/],
    [['token', 'create', ' ci', '--admin'], /visible characters/],
    [['token', 'create', 'ci', '--admin', '--expires-in-days', '0'], /whole number, 1 to 3650/],
    [['tasks', '--first', '0'], /whole number, 1 to 1000000/],
    [['tasks', '--state', 'done'], /Allowed choices are waiting, running/],
    [['sync', 'nginx', '--dry-run', '--save'], /--dry-run changes nothing/],
    [['completion', 'csh'], /Allowed choices are bash, zsh, fish/],
    [[], /Usage: tidemark/],
  ])('%j is a mistake', (args, text) => {
    const plan = parse(...args);
    expect(plan).toMatchObject({ command: 'show', isMistake: true });
    expect(plan.command === 'show' ? plan.text : '').toMatch(text);
  });

  test.each([
    [['--version'], /^1\.2\.3$/],
    [['--help'], /Examples:[\s\S]*tidemark sync nginx/],
    [['sync', '--help'], /--upstream <url>[\s\S]*Examples:/],
    [['help', 'demo'], /--keep/],
    [['completion', 'bash'], /complete -o default -F _tidemark tidemark/],
    [['completion', 'fish'], /__fish_seen_subcommand_from repository; and|-a repositories/],
  ])('%j only shows text', (args, text) => {
    const plan = parse(...args);
    expect(plan).toMatchObject({ command: 'show', isMistake: false });
    expect(plan.command === 'show' ? plan.text : '').toMatch(text);
  });
});
