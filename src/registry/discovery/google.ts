import { TidemarkError } from '../../oci/error.ts';
import { isRepositoryName } from '../../oci/reference.ts';
import { firstPage } from '../tags/next-page.ts';
import { createLoopGuard, fieldOf, getJson, readNames } from './json-page.ts';
import type { JsonPage } from './json-page.ts';
import type { DiscoverySource } from './source.ts';

const pageSize = 1_000;
/** Names that are asked for at the same time. */
const atOnce = 8;
/** Repositories and the parts above them. */
const placesAtMost = 200_000;

interface Place {
  /** Whether images are there. */
  readonly isRepository: boolean;
  /** The next part of the names below. */
  readonly children: readonly string[];
}

/**
 * The repositories below each namespace, by the lists of tags of Google's registries: these have the parts below a name as `child`, and the images as
 * `manifest` (google/go-containerregistry, pkg/v1/google, "Walk"). So it works with every login that the registry takes, and without one.
 */
export async function* listGoogle(source: DiscoverySource): AsyncGenerator<readonly string[]> {
  const waiting = [...source.namespaces];
  const seen = new Set(waiting);
  while (waiting.length > 0) {
    const names = waiting.splice(-atOnce);
    const places = await Promise.all(names.map((name) => readPlace(source, name)));
    const found = names.filter((_, index) => places[index]?.isRepository);
    for (const [index, { children }] of places.entries())
      for (const child of children) {
        const name = `${names[index]}/${child}`;
        if (seen.has(name)) continue;
        seen.add(name);
        // what is no name cannot be asked for; the rule leaves it out, and says so
        if (isRepositoryName(name)) waiting.push(name);
        else found.push(name);
      }
    if (seen.size > placesAtMost) throw tooMany(source);
    yield found;
  }
}

async function readPlace(source: DiscoverySource, name: string): Promise<Place> {
  const checkLoop = createLoopGuard();
  const children: string[] = [];
  let isRepository = false;
  let addresses: readonly URL[] = [new URL(`${source.base}/v2/${name}/tags/list?n=${pageSize}`)];
  while (addresses.length > 0) {
    const [first] = addresses;
    if (first === undefined) break;
    checkLoop(first);
    const { body, next }: JsonPage = await firstPage(addresses, (url) => getJson(source, url));
    children.push(...readNames(first, fieldOf(body, 'child') ?? [], (child) => child));
    if (children.length > placesAtMost) throw tooMany(source);
    isRepository ||= hasEntries(fieldOf(body, 'tags')) || hasEntries(fieldOf(body, 'manifest'));
    addresses = next;
  }
  return { isRepository, children };
}

function hasEntries(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function tooMany({ base }: DiscoverySource): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_PAGINATION_LOOP',
    `${base} has more than ${placesAtMost} names below the namespaces of the rule. Name longer prefixes in includeRepositories.`,
  );
}
