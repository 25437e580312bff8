import { quoteValue } from '../../oci/error.ts';
import { isRepositoryName } from '../../oci/reference.ts';
import { platformMistake } from '../../selection/platforms.ts';
import type {
  ConnectionPart,
  CredentialPart,
  EstateFile,
  RepositoryPart,
  SchedulePart,
  SignaturePolicyPart,
} from './estate-file.ts';
import type { Source } from './source.ts';
import { uniteTagSets } from './tag-set.ts';
import type { TagSet } from './tag-set.ts';

export type PolicyDraft = Omit<SignaturePolicyPart, 'name'>;

/** What one entry of a file wants mirrored. */
export interface Wanted {
  /** The entry, for what is reported. */
  readonly about: Source;
  /** Names for the repository. The first that no other upstream has is taken. */
  readonly names: readonly string[];
  readonly url: string;
  readonly upstreamName: string;
  readonly connection: ConnectionPart;
  readonly tags: readonly TagSet[];
  /** Undefined: all. */
  readonly platforms?: readonly string[] | undefined;
  readonly schedules?: readonly SchedulePart[] | undefined;
  readonly policy?: PolicyDraft | undefined;
}

/** Puts together what the entries want: one repository for all of the same name and upstream. */
export class EstateDraft {
  readonly #repositories = new Map<string, Wanted>();
  readonly #credentials = new Map<string, CredentialPart>();

  /** Adds a credential. One of the same name is replaced. */
  addCredential(credential: CredentialPart): void {
    this.#credentials.set(credential.name, credential);
  }

  add(entry: Wanted): void {
    const wanted = { ...entry, platforms: usablePlatforms(entry) };
    const name = wanted.names.find((one) => this.#isFree(one, wanted)) ?? wanted.names[0] ?? '';
    const { about } = wanted;
    const other = this.#repositories.get(name);
    if (!isRepositoryName(name))
      about.findings.leftOut(about, `${quoteValue(name)} is not a name that a repository may have.`);
    else if (other === undefined) this.#repositories.set(name, wanted);
    else if (isSameUpstream(other, wanted)) this.#repositories.set(name, merge(other, wanted));
    else
      about.findings.leftOut(
        about,
        `The repository ${quoteValue(name)} already mirrors ${other.upstreamName} of ${other.url} (line ${other.about.place.line}), and has one upstream. Give this one another name.`,
      );
  }

  /** The file. What cannot be put into words is reported. */
  build(fileName: string): EstateFile {
    const policies: SignaturePolicyPart[] = [];
    const repositories = [...this.#repositories].flatMap(([name, wanted]): RepositoryPart[] => {
      const united = uniteTagSets(wanted.tags);
      if ('mistake' in united) {
        wanted.about.findings.leftOut(wanted.about, united.mistake);
        return [];
      }
      if (wanted.policy !== undefined) policies.push({ name, ...wanted.policy });
      return [repositoryOf(name, wanted, united.tags)];
    });
    const used = new Set(repositories.map(({ remote }) => remote.credential));
    const credentials = [...this.#credentials.values()].filter((one) => used.has(one.name));
    return {
      name: fileName,
      ...(credentials.length > 0 ? { credentials } : {}),
      ...(policies.length > 0 ? { signaturePolicies: policies } : {}),
      repositories,
    };
  }

  #isFree(name: string, wanted: Wanted): boolean {
    const other = this.#repositories.get(name);
    return other === undefined || isSameUpstream(other, wanted);
  }
}

function repositoryOf(name: string, wanted: Wanted, tags: object): RepositoryPart {
  const { url, upstreamName, platforms, connection, policy, schedules = [] } = wanted;
  return {
    name,
    remote: {
      url,
      upstreamName,
      ...tags,
      platforms,
      ...connection,
      signaturePolicy: policy === undefined ? undefined : name,
    },
    schedules: schedules.length > 0 ? schedules : undefined,
  };
}

function isSameUpstream(one: Wanted, other: Wanted): boolean {
  return one.url === other.url && one.upstreamName === other.upstreamName;
}

/** Tags and schedules add up. All else belongs to the repository as a whole. */
function merge(first: Wanted, second: Wanted): Wanted {
  const { about } = second;
  const where = `line ${first.about.place.line}`;
  if (!isEqual(first.platforms, second.platforms))
    about.findings.differs(
      about,
      `The same repository takes other platforms at ${where}. All of its tags are synced for the platforms of both.`,
    );
  if (!isEqual(first.connection, second.connection))
    about.findings.differs(about, `The same repository has other settings at ${where}. Those apply.`);
  const isSamePolicy = isEqual(first.policy, second.policy);
  if (!isSamePolicy)
    about.findings.leftOut(
      about,
      `The same repository verifies signatures in another way at ${where}. A policy holds for all tags of a repository, so none is set.`,
    );
  return {
    ...first,
    tags: [...first.tags, ...second.tags],
    platforms:
      first.platforms === undefined || second.platforms === undefined
        ? undefined
        : [...new Set([...first.platforms, ...second.platforms])],
    schedules: distinct([...(first.schedules ?? []), ...(second.schedules ?? [])]),
    policy: isSamePolicy ? first.policy : undefined,
  };
}

/** Without those that Tidemark cannot take. If none is left, the entry takes all. */
function usablePlatforms({ platforms = [], about }: Wanted): readonly string[] | undefined {
  const usable = platforms.filter((platform) => {
    const mistake = platformMistake(platform);
    if (mistake !== undefined)
      about.findings.leftOut(about, `The platform ${quoteValue(platform)} cannot be used: ${mistake}`);
    return mistake === undefined;
  });
  return usable.length > 0 ? usable : undefined;
}

function distinct<Value>(values: readonly Value[]): Value[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
