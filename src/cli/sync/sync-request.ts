import { parseHttpUrl } from '../../config-values.ts';
import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import { isRepositoryName, parseImageReference } from '../../oci/reference.ts';
import type { ImageReference } from '../../oci/reference.ts';
import { registryBaseUrl, upstreamRepository } from '../../oci/hosts/registry-address.ts';
import type { ServerOptions } from '../surroundings.ts';
import { readTagRules } from '../tag-rules.ts';
import type { TagRuleOptions, TagRules } from '../tag-rules.ts';
import { usage } from '../usage.ts';
import type { RequiredKeys } from './require-signature.ts';
import { validateRules } from '../../selection/rule-mistakes.ts';

/** What a person asked to sync. Undefined: not given, so the remote decides. */
export interface SyncRequest {
  /** Of the local repository, and of its remote. */
  readonly name: string;
  readonly url: string;
  readonly upstreamName: string;
  readonly includeTags: readonly string[] | undefined;
  readonly excludeTags: readonly string[] | undefined;
  readonly tagRules: TagRules;
  readonly username: string | undefined;
  readonly downloadConcurrency: number | undefined;
  readonly policy: string | undefined;
  readonly mirror: boolean;
  readonly confirmRemoval: boolean;
  readonly pruneFiltered: boolean;
  readonly dryRun: boolean;
  /** Whether the options are stored in an existing remote. */
  readonly save: boolean;
  readonly intoExisting: boolean;
  readonly changeUpstream: boolean;
}

/** The request with what its options name: the password on standard input, and the keys in a file. */
export interface SyncWish extends SyncRequest {
  readonly password?: string | undefined;
  /** Images must be signed with one of these keys. */
  readonly requiredKeys?: RequiredKeys | undefined;
}

/** A request with the options that only the command itself needs. */
export interface ParsedSync {
  readonly request: SyncRequest;
  readonly options: SyncOptions;
}

/** The options of `tidemark sync`, as commander gives them. */
export interface SyncOptions extends ServerOptions, TagRuleOptions {
  readonly json?: boolean;
  readonly tags?: string;
  readonly excludeTags?: string;
  readonly mirror?: boolean;
  readonly confirmRemoval?: boolean;
  readonly pruneFiltered?: boolean;
  readonly dryRun?: boolean;
  readonly save?: boolean;
  readonly intoExisting?: boolean;
  readonly changeUpstream?: boolean;
  readonly upstream?: string;
  readonly name?: string;
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly requireSignature?: string;
  readonly concurrency?: number;
  readonly policy?: string;
}

/** What `--policy` takes, and what the API calls it. */
export const policies: Readonly<Record<string, string>> = {
  immediate: 'IMMEDIATE',
  'on-demand': 'ON_DEMAND',
  streamed: 'STREAMED',
};

/** @throws TidemarkError (origin caller) for what cannot be used. */
export function parseSyncRequest(image: string, options: SyncOptions): ParsedSync {
  const reference =
    options.upstream === undefined ? parseImageReference(image) : atUpstream(image, options.upstream);
  const { registryUrl, upstreamName, tag, digest } = reference;
  const name = options.name ?? reference.name;
  if (!isRepositoryName(name))
    throw usage(
      `--name is ${JSON.stringify(name)}; expected a repository name: lower-case letters and digits, joined by . _ __ or -, with / between parts.`,
    );
  if (options.passwordStdin === true && options.username === undefined)
    throw usage('--password-stdin goes with --username; give both.');
  if (options.dryRun === true && (options.save === true || options.changeUpstream === true))
    throw usage('--dry-run changes nothing, so --save and --change-upstream do not go with it.');
  if (options.pruneFiltered === true && options.mirror !== true)
    throw usage('--prune-filtered goes with --mirror; give both.');
  // a digest says more than the tag beside it
  const fromReference = digest ?? tag;
  const given = options.tags === undefined ? [] : splitPatterns('--tags', options.tags);
  const includeTags = [...new Set([...(fromReference === undefined ? [] : [fromReference]), ...given])];
  const request = {
    name,
    url: registryUrl,
    upstreamName,
    includeTags: includeTags.length === 0 ? undefined : includeTags,
    excludeTags:
      options.excludeTags === undefined
        ? undefined
        : splitPatterns('--exclude-tags', options.excludeTags, { mayBeEmpty: true }),
    tagRules: readTagRules(options),
    username: options.username,
    downloadConcurrency: options.concurrency,
    policy: options.policy === undefined ? undefined : policies[options.policy],
    mirror: options.mirror ?? false,
    confirmRemoval: options.confirmRemoval ?? false,
    pruneFiltered: options.pruneFiltered ?? false,
    dryRun: options.dryRun ?? false,
    save: options.save ?? false,
    intoExisting: options.intoExisting ?? false,
    changeUpstream: options.changeUpstream ?? false,
  };
  return { request, options };
}

const placeholderHost = 'localhost/';

/** With --upstream the image is the repository's name there, with a tag or digest where wanted. */
function atUpstream(image: string, upstream: string): ImageReference {
  const parsed = parseHttpUrl(upstream);
  if ('mistake' in parsed) throw usage(`--upstream ${parsed.mistake}, e.g. http://127.0.0.1:5000.`);
  try {
    const registryUrl = registryBaseUrl(parsed.value);
    const reference = parseImageReference(`${placeholderHost}${image}`);
    const upstreamName = upstreamRepository(registryUrl, reference.upstreamName);
    return { ...reference, registryUrl, upstreamName, name: upstreamName };
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    throw new TidemarkError(error.code, error.message.replaceAll(`"${placeholderHost}`, '"'), {
      origin: 'caller',
    });
  }
}

/** Commas cut patterns apart, but not inside of `[…]`; no tag has one. */
function splitPatterns(option: string, text: string, { mayBeEmpty = false } = {}): string[] {
  const patterns = text
    .split(/,(?![^[]*\])/)
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '');
  if (patterns.length === 0 && !mayBeEmpty)
    throw usage(
      `${option} is empty; expected tag names or wildcards between commas, as 'v1.*,latest' ('*' for every tag).`,
    );
  const [mistake] = validateRules('includeTags', patterns);
  if (mistake !== undefined) throw usage(`${option}: ${mistake.message}`);
  return patterns;
}
