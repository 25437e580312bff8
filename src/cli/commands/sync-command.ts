import type { Command } from 'commander';
import { Option } from 'commander';
import { addCommand, wholeNumber, withServerOptions } from '../command.ts';
import type { Choose } from '../command.ts';
import { withTagRules } from '../tag-rules.ts';
import { parseSyncRequest, policies } from '../sync/sync-request.ts';
import type { SyncOptions } from '../sync/sync-request.ts';

const examples = `
Tags are names, shell wildcards (* ? [abc]) or digests; a tag or digest in the image counts as one.
A new repository keeps filters, --policy, --concurrency and credentials. For an existing one they apply to this sync alone, unless --save is given.
With --mirror, tags that the filters leave out are kept, and counted; --prune-filtered removes them.

Examples:
  $ tidemark sync nginx:1.27
  $ tidemark sync quay.io/prometheus/busybox --tags 'glibc*,latest' --exclude-tags '*-arm'
  $ tidemark sync registry.example.org/team/app --username robot --password-stdin < token.txt
  $ tidemark sync team/app --upstream http://127.0.0.1:5000 --mirror --dry-run
  $ tidemark sync ghcr.io/org/app --tags 'v2.*' --save
  $ tidemark sync nginx --semver '>=1.25' --semver-suffix alpine --newest 3/minor --mirror
  $ tidemark sync alpine:3 --json | jq .version.number`;

export function addSync(program: Command, choose: Choose): void {
  addCommand(program, choose, {
    usage: 'sync',
    text: 'copy a repository, or some of its tags, into a new immutable version',
    setUp: (command) => withSyncOptions(withServerOptions(command)).addHelpText('after', examples),
    read: ([image = ''], options: SyncOptions) => parseSyncRequest(image, options),
    run: async (surroundings, request) =>
      (await import('../sync/run-sync.ts')).syncCommand(surroundings, request),
  });
}

function withSyncOptions(command: Command): Command {
  command
    .argument('<image>', 'what docker would pull: nginx:1.27, quay.io/org/app, localhost:5000/app@sha256:…')
    .option('--tags <list>', "only these tags, separated by commas: 'v1.*,latest'; '*' for every tag")
    .option('--exclude-tags <list>', "not these tags; '' to exclude none");
  withTagRules(command);
  return command
    .option('--mirror', 'remove tags that the upstream no longer has; this sync alone')
    .option('--prune-filtered', 'with --mirror: also remove the tags that the filters leave out')
    .option('--confirm-removal', 'allow a mirror sync to remove most or all tags')
    .option('--dry-run', 'only show what would change; nothing is stored')
    .option('--save', 'store the options in the remote, for later syncs and schedules')
    .option('--into-existing', 'turn a repository that accepts pushes into a mirror, which refuses them')
    .option('--change-upstream', 'sync the repository from another upstream from now on')
    .addOption(
      new Option(
        '--policy <when>',
        'when layers are fetched: by the sync, at the first pull, or at each pull',
      ).choices(Object.keys(policies)),
    )
    .option('--upstream <url>', 'address of the registry; <image> is then only the name there')
    .option('--name <name>', 'name of the local repository (default: the name at the upstream)')
    .option('--username <name>', 'user at the upstream')
    .option('--password-stdin', "read that user's password or token from standard input")
    .option(
      '--require-signature <file>',
      'skip tags that this key has not signed: cosign.pub, or an armoured OpenPGP key',
    )
    .option('--concurrency <n>', 'maximum number of concurrent requests', wholeNumber(1, 100));
}
